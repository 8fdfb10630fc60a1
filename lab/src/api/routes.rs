//! The paths that the lab serves, as a list and as the router made from it. So a test can call every
//! path.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;

use super::account::Account;
use super::error::ApiError;

/// The handlers of one path, one for each method, chained as in axum.
pub struct Handlers {
    methods: Vec<&'static str>,
    router: MethodRouter<Account, Infallible>,
}

/// Defines each method twice, as axum does: as the first, and as a further one.
macro_rules! methods {
    ($($method:ident $name:literal),*) => {
        $(
            #[allow(dead_code)] // not every method begins a chain
            pub fn $method<H: Handler<T, Account>, T: 'static>(handler: H) -> Handlers {
                Handlers { methods: vec![$name], router: axum::routing::$method(handler) }
            }
        )*
        #[allow(dead_code)] // nor goes on with one
        impl Handlers {
            $(
                pub fn $method<H: Handler<T, Account>, T: 'static>(mut self, handler: H) -> Self {
                    self.methods.push($name);
                    self.router = self.router.$method(handler);
                    self
                }
            )*
        }
    };
}

methods!(get "GET", post "POST", put "PUT", delete "DELETE");

/// A table of paths.
#[derive(Default)]
pub struct Routes {
    listed: Vec<(&'static str, String)>,
    router: Router<Account>,
}

impl Routes {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn route(mut self, path: &str, handlers: Handlers) -> Self {
        for method in handlers.methods {
            self.listed.push((method, path.to_owned()));
        }
        self.router = self.router.route(path, handlers.router);
        self
    }

    /// Actions with one handler: `path` ends in `{action}`, and a POST must name one of `names`. The list
    /// contains each action by name.
    pub fn actions(
        mut self,
        path: &str,
        names: &'static [&'static str],
        handlers: Handlers,
    ) -> Self {
        for method in handlers.methods {
            if method == "POST" {
                let named = |name: &&str| (method, path.replace("{action}", name));
                self.listed.extend(names.iter().map(named));
            } else {
                self.listed.push((method, path.to_owned()));
            }
        }
        let known = move |request: Request, next: Next| async move {
            let name = request.uri().path().rsplit('/').next().unwrap_or_default();
            if request.method() == Method::POST && !names.contains(&name) {
                return ApiError::unknown_action(name).into_response();
            }
            next.run(request).await
        };
        self.router = self
            .router
            .route(path, handlers.router.layer(from_fn(known)));
        self
    }

    pub fn merge(mut self, other: Self) -> Self {
        self.listed.extend(other.listed);
        self.router = self.router.merge(other.router);
        self
    }

    /// The method and path of each route, and the router.
    pub fn into_parts(self) -> (Vec<(&'static str, String)>, Router<Account>) {
        (self.listed, self.router)
    }
}
