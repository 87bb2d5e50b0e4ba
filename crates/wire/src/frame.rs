//! Reading and writing length-prefixed frames on any byte stream.
