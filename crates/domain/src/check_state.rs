//! check_state
