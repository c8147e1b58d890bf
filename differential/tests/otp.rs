//! Throng against the BEAM: the same scenarios, equal journals.

/// S1 to S32, D1 to D6.
#[test]
fn trees() {
    differential::trees(500);
}

/// P1 to P25.
#[test]
fn actors() {
    differential::actors(500);
}

/// G1 to G23.
#[test]
fn servers() {
    differential::servers(500);
}
