//! What is wrong with a request, and how it is told.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Why a request was not done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    Unauthorized,
    TooLarge,
    /// A field is missing or wrong, by its path in the request.
    Field {
        field: String,
        reason: String,
    },
    /// There is nothing of the kind.
    NotFound {
        field: String,
        reason: String,
    },
    /// Other nodes cannot be told.
    Unavailable(String),
}

impl ApiError {
    /// The body as a whole is wrong.
    pub(super) fn body(reason: String) -> ApiError {
        ApiError::Field { field: "body".to_owned(), reason }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            ApiError::Unauthorized => (StatusCode::UNAUTHORIZED, json!({ "reason": "unauthorized" })),
            ApiError::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, json!({ "field": "body", "reason": "is too large" }))
            }
            ApiError::Field { field, reason } => {
                (StatusCode::BAD_REQUEST, json!({ "field": field, "reason": reason }))
            }
            ApiError::NotFound { field, reason } => {
                (StatusCode::NOT_FOUND, json!({ "field": field, "reason": reason }))
            }
            ApiError::Unavailable(reason) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "reason": reason })),
        };
        let mut response = super::json(status, &json!({ "error": error }));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
