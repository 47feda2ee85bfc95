// Package follow keeps the transcripts of sessions up to date, whatever becomes of the
// connection. It implements what package client says under Resuming. Programs use it as a
// [Follower], which has its own client. The page in the browser uses [Sessions] with its
// own client and event loop.
//
// Its nouns:
//
//   - [Sessions] are the sessions that are followed, the most recently followed first.
//   - A [Session] is one of them: its transcript (Log) and its state.
//   - A request asks for a transcript or for events: chat.history, chat.replay or
//     chat.watch. Each session has at most one under way.
//   - A background session is one that nobody looks at. Live events and replays keep it
//     up to date, but its history is not requested before it is followed again.
//   - A session is Gone if the gateway has no such session.
//   - A gap is a range of events that are missing from Log although later ones are known.
//
// # What it does
//
//   - A gap gets 2 s to close by itself; the wait starts again whenever missing events
//     arrive. Then chat.replay is requested, and again at once while it brings events.
//     Each replay that brings nothing doubles the wait, up to 30 s. A timer measures the
//     wait, not the gateway's ticks.
//   - A request that failed for now is made again after 1 s. The wait doubles with each
//     failure, up to 30 s, and is never shorter than the answer's retryAfterMs. If the
//     error is RESOURCE_EXHAUSTED, no session makes a request for that time, on any
//     connection.
//   - A request that was refused for good is not made again on the same connection,
//     whatever events arrive, unless the session is followed again: see Session.Err. If
//     the request was a chat.replay, the history is requested instead, since the gateway
//     may not know that method.
//   - If the gateway answers NOT_FOUND, says that a cursor is gone, or sends a
//     session.updated with "deleted", the session is Gone, and nothing is requested.
//     There is one exception: if an event of the session arrived after the request,
//     NOT_FOUND may be out of date, so the history is requested once more.
//   - A session that is Gone resumes from its beginning, so if somebody has written in it
//     in the meantime, its events arrive without a request.
//   - If the gateway's answer to connect leaves out a session's cursor, a replay is
//     requested. A background session is emptied instead, and loaded when it is followed
//     again.
//   - Events that arrive while a history is requested are applied to it. If it is not
//     certain that they belong to the same log, the missing events are requested at once.
//   - Answers to requests of an earlier connection, or from before the session was
//     deleted, change nothing.
//
// # Concurrency
//
// Nothing here is locked. Sessions and Session must be used on one loop: in the callbacks
// of package client for a Follower, on the page's loop in the browser.
//
// The package is linked into WebAssembly, so it decodes protocol types by their own
// codecs and not through package encoding/json.
package follow
