//! What a stream of tasks gives where there is no result.

use crate::exit::Exit;

/// What a stream gives where there is no result: how the task ended, alone or with the element.
pub trait StreamFailure<Element>: Sized {
    /// What is kept of an element while its task runs.
    #[doc(hidden)]
    type Kept;

    #[doc(hidden)]
    fn keep(element: &Element) -> Self::Kept;

    #[doc(hidden)]
    fn of(kept: Self::Kept, reason: Exit) -> Self;
}

impl<Element> StreamFailure<Element> for Exit {
    type Kept = ();

    fn keep(_: &Element) {}

    fn of((): (), reason: Exit) -> Self {
        reason
    }
}

impl<Element: Clone> StreamFailure<Element> for (Element, Exit) {
    type Kept = Element;

    fn keep(element: &Element) -> Element {
        element.clone()
    }

    fn of(element: Element, reason: Exit) -> Self {
        (element, reason)
    }
}
