use std::{error::Error, iter};

use throng_pubsub::{
    BroadcastError, PayloadError, PresenceRefusal, TrackError, TransportError, UpdateError, WireError,
};

fn json() -> serde_json::Error {
    serde_json::from_str::<u8>("x").unwrap_err()
}

fn transport() -> TransportError {
    TransportError::Failed("the link broke".into())
}

#[test]
fn a_report_of_an_error_and_its_sources_names_the_cause_once() {
    let causes: [(&str, Vec<Box<dyn Error>>); 2] = [
        (
            "expected value at line 1 column 1",
            vec![
                PayloadError::from(json()).into(),
                WireError::Malformed(json()).into(),
                WireError::from(PayloadError::from(json())).into(),
                BroadcastError::from(PayloadError::from(json())).into(),
                BroadcastError::from(WireError::Malformed(json())).into(),
                TrackError::from(PresenceRefusal::from(PayloadError::from(json()))).into(),
                UpdateError::from(PresenceRefusal::from(PayloadError::from(json()))).into(),
            ],
        ),
        ("the link broke", vec![transport().into(), BroadcastError::from(transport()).into()]),
    ];
    for (cause, errors) in causes {
        for error in errors {
            let chain = iter::successors(Some(&*error), |&error| error.source());
            let report = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            assert_eq!(report.matches(cause).count(), 1, "{report}");
        }
    }
}
