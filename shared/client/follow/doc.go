// Package follow keeps the transcripts of sessions up to date, whatever becomes
// of the connection. It is the one implementation of what package client says
// under Resuming: programs use it as a [Follower], which has a client of its own;
// the page in the browser drives [Sessions] with its own client and event loop.
//
//   - Sessions: the sessions that are followed, the most recently followed first.
//   - Session: one of them, with its transcript (Log) and what is known of it.
//   - Question: a request for a transcript: chat.history, chat.replay or
//     chat.watch. One question a session is under way at a time.
//   - Resting: a session that nobody looks at. It goes on with live events and
//     replays, but no history is asked for until it is followed anew.
//   - Gone: the gateway has no such session.
//
// # What it does
//
//   - A gap is given 2 s to close by itself. The wait starts anew as long as
//     events arrive, by a timer and not by the gateway's ticks. Then chat.replay is
//     asked for, and asked again at once while it brings events. A replay that
//     brings nothing doubles the wait, up to 30 s.
//   - A question that failed for now is asked again after 1 s, then after twice as
//     long each time up to 30 s, and never before the retryAfterMs of the answer.
//     While the gateway takes no more requests (RESOURCE_EXHAUSTED), no session
//     asks anything, on no connection.
//   - A question that was refused for good is not asked again on the same
//     connection, whatever events arrive, unless the session is followed anew: see
//     Session.Err. A refused chat.replay asks for the history instead, since the
//     gateway may not know that method.
//   - NOT_FOUND, a cursor that is gone and a session.updated that says "deleted"
//     all mean Gone, without another question. Only when an event of the session
//     arrived after the question was asked, NOT_FOUND may be out of date: then the
//     history is asked for once more.
//   - A session that is Gone is resumed from its beginning, so that it needs no
//     question when somebody has written there meanwhile.
//   - A cursor that the gateway did not answer is replayed; of a resting session,
//     nothing is asked, and it is loaded when it is followed anew.
//   - Events that arrive while the history is being read, of any session, are
//     applied to it, or asked for at once where it is not certain that they belong
//     to the same log.
//   - Answers to questions of an earlier connection, or from before the session
//     was deleted, change nothing.
//
// # Concurrency
//
// Nothing here is locked. Sessions and Session are used on one loop: the
// callbacks of package client for a Follower, the page's loop in the browser.
//
// The package is linked into WebAssembly: it uses no generic function on its own
// types, and protocol types go through their codecs, not through an interface.
package follow
