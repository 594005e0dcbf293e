//! A small web service with axum: users are added, listed and looked up. Run with `cargo run --example users_api`, then open
//! <http://127.0.0.1:3000>, or:
//!
//! ```text
//! curl -d '{"name": "Anna"}' -H 'content-type: application/json' http://127.0.0.1:3000/users
//! curl http://127.0.0.1:3000/users/1
//! ```
//!
//! Another address goes behind `--`. It is axum's own `Router`, its extractors and answers; only `serve` is Samovar's:
//! `axum = { package = "samovar-axum", ... }` in `Cargo.toml`.

use std::collections::HashMap;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use samovar::net::TcpListener;
use samovar::sync::RwLock;
use serde::{Deserialize, Serialize};

/// What a client sends.
#[derive(Deserialize)]
struct NewUser {
    name: String,
}

/// What a client gets.
#[derive(Clone, Serialize)]
struct User {
    id: u64,
    name: String,
}

/// All users. Many requests may read at the same time; one that adds has it alone.
///
/// An async lock, so that a request that waits for it does not hold a worker. (As nothing is awaited while it is held, std's
/// would do as well; in a real service there is a database behind it.)
type Users = Arc<RwLock<HashMap<u64, User>>>;

#[samovar::main]
async fn main() -> ExitCode {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = match TcpListener::bind(&address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("{error}");
            eprintln!("Give another address: cargo run --example users_api -- 127.0.0.1:3001");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(address) => println!("listening on http://{address}"),
        Err(_) => println!("listening on {address}"),
    }

    let app = Router::new()
        .route("/", get(page))
        .route("/users", get(list).post(add))
        .route("/users/{id}", get(find))
        .with_state(Users::default());
    match axum::serve(listener, app).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// `GET /users`
async fn list(State(users): State<Users>) -> Json<Vec<User>> {
    let mut list: Vec<User> = users.read().await.values().cloned().collect();
    list.sort_by_key(|user| user.id);
    Json(list)
}

/// `GET /users/{id}`
async fn find(
    State(users): State<Users>,
    id: Result<Path<u64>, PathRejection>,
) -> Result<Json<User>, Problem> {
    let Path(id) = id.map_err(|refused| Problem(refused.status(), refused.body_text()))?;
    match users.read().await.get(&id) {
        Some(user) => Ok(Json(user.clone())),
        None => Err(Problem(
            StatusCode::NOT_FOUND,
            format!("there is no user {id}"),
        )),
    }
}

/// `POST /users`
///
/// The body is taken as a `Result`, so that what axum has to say against it is answered as JSON too.
async fn add(
    State(users): State<Users>,
    body: Result<Json<NewUser>, JsonRejection>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let Json(new) = body.map_err(|refused| Problem(refused.status(), refused.body_text()))?;
    let name = new.name.trim();
    if name.is_empty() {
        return Err(Problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a user needs a name".to_owned(),
        ));
    }
    // One lock for finding the next number and for using it: two requests at the same time get two numbers. (Nobody is ever
    // removed, so the next number is how many there are, and one.)
    let mut users = users.write().await;
    let id = users.len() as u64 + 1;
    let user = User {
        id,
        name: name.to_owned(),
    };
    users.insert(id, user.clone());
    Ok((StatusCode::CREATED, Json(user)))
}

/// An answer that is not what the client hoped for: `{"error": "..."}`.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({ "error": self.1 }))).into_response()
    }
}

/// `GET /`
async fn page() -> Html<&'static str> {
    Html(PAGE)
}

/// Names are put into the page as text, never as HTML: they come from anybody.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Who has tea?</title>
<style>
  body { font: 1.2em sans-serif; max-width: 26em; margin: 10vh auto; padding: 0 1em }
  input, button { font: inherit }
  #problem { color: firebrick }
</style>
<h1>Who has tea?</h1>
<form><label>Name <input name="name" autofocus></label> <button>Add</button></form>
<p id="problem" role="alert"></p>
<ol id="users"></ol>
<script>
  const problem = document.getElementById("problem");
  async function ask(path, options) {
    const response = await fetch(path, options);
    const body = await response.json();
    if (!response.ok) throw new Error(body.error);
    return body;
  }
  async function show() {
    const items = (await ask("/users")).map(user => {
      const item = document.createElement("li");
      item.value = user.id;
      item.textContent = user.name;
      return item;
    });
    document.getElementById("users").replaceChildren(...items);
  }
  async function tell(action) {
    problem.textContent = "";
    try { await action(); } catch (error) { problem.textContent = error.message; }
  }
  document.querySelector("form").onsubmit = event => {
    event.preventDefault();
    const form = event.target;
    tell(async () => {
      await ask("/users", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: form.name.value }),
      });
      form.reset();
      await show();
    });
  };
  tell(show);
</script>
"#;
