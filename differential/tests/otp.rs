//! Throng against the BEAM: the same scenarios, equal journals.

/// S1 to S32, D1 to D6.
#[test]
fn trees() {
    differential::trees(500);
}
