//! When many sign-ins fail: unknown browsers work for each try, the log says so, and people who look after the server see
//! it. The counting is [`wk_identity::Pulse`]'s, the work [`wk_identity::Puzzles`]'.

use std::net::IpAddr;

use wk_authz::Actor;
use wk_domain::Timestamp;
use wk_engine::record;
use wk_identity::{PUZZLE_BITS, give_puzzle};

use crate::error::ApiError;
use crate::state::App;

/// Lets an unknown browser through: always while all is quiet, and with a solved puzzle while many sign-ins fail.
///
/// # Errors
/// [`ApiError::Puzzle`] with a new one.
pub(crate) async fn puzzle(
    app: &App,
    puzzle: Option<&str>,
    solution: Option<u64>,
    source: IpAddr,
    now: Timestamp,
) -> Result<(), ApiError> {
    if !app.people.words.pulse.lock().is_attack(now) {
        return Ok(());
    }
    let key = app.people.puzzle_key()?;
    if let (Some(puzzle), Some(solution)) = (puzzle, solution) {
        let taken = app.people.words.puzzles.lock().take(&key, puzzle, solution, source, now);
        if taken.is_ok() {
            return Ok(());
        }
    }
    // Whoever brings none is a part of what goes on.
    count(app, true, now).await;
    app.engine.counters().add("sign_in.puzzles", 1);
    let puzzle = give_puzzle(&key, PUZZLE_BITS, source, now).map_err(|_| ApiError::Internal)?;
    Err(ApiError::Puzzle { puzzle, bits: PUZZLE_BITS })
}

/// Counts a try, and writes down when an attack begins.
pub(crate) async fn count(app: &App, failed: bool, now: Timestamp) {
    if !app.people.words.pulse.lock().count(failed, now) {
        return;
    }
    app.engine.counters().add("sign_in.attacks", 1);
    tracing::warn!(
        "more than half of a thousand sign-ins failed: unknown browsers must solve a puzzle for each try"
    );
    let audit = record::draft(&Actor::system(), now, "sign_in.attack", "server", "sign-in")
        .reason("more than half of a thousand sign-ins in ten minutes failed");
    if let Err(error) = app.engine.store().append_audit(vec![audit]).await {
        tracing::error!("that sign-ins are under attack could not be written down: {error}");
    }
}

/// Until when unknown browsers must work for each try, if they must now.
pub(crate) fn attack_until(app: &App) -> Option<Timestamp> {
    app.people.words.pulse.lock().until(app.engine.now())
}
