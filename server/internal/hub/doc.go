// Package hub sends each event of a session to the connections that follow the
// session, and replays to a client that was away the events that it has missed.
//
// The nouns:
//
//   - [Member]: an authenticated connection. It follows the sessions of its user.
//   - watcher: an admin's member that follows a session of another user.
//   - event: a committed change of a session, with its seq in the session's log. A
//     frame is an event as it is sent.
//   - [Log]: the stored events of all sessions.
//   - cursor: the last event of a session that a member has.
//   - replay: reading the events after a cursor from the log, and sending them.
//   - live: sending an event when it is published.
//   - tick: a frame to all members, every protocol.TickInterval, that says how far
//     the logs are. A client that has less asks for the rest.
//
// An event is encoded once in each form, plain and with formatted text, whatever
// the number of members. Publish waits for no connection: the connection's own
// queue closes a connection that cannot keep up. A replay reads the log in parts
// and waits until each part has left, so that it queues a bounded amount.
//
// # From replay to live
//
// A client that resumes at a cursor gets every later event of the session exactly
// once and in order, whatever is published in the meantime. For each session, a
// member is in one of three states:
//
//   - Replaying. The member has a cursor, and the replayer of the member sends the
//     events after it. Publish sends nothing: it defers the event to the replay,
//     by noting the event's position. There is one exception: an event that ends
//     the log being replayed (a session's deletion, or the first event of another
//     log) is sent at once, and the session is live.
//   - Caught up. The replay has sent all that was in the log, and no later event
//     was deferred. Publish skips events up to the cursor. The first event after
//     the cursor is sent, and the session is live.
//   - Live. The member has no cursor for the session. Publish sends every event.
//
// Why no event is lost, and none is sent twice:
//
//  1. An event is committed to the log before it is published, and the events of a
//     session are published one at a time, in order.
//  2. The cursor is there before the replay first reads the log. So an event that
//     is missing from what was read is published while there is a cursor, and is
//     deferred. A watcher is added only after the log was read, because its owner
//     must be known: so the log is always read once more for a watcher.
//  3. One lock of the member's mutex covers both sending an event and advancing the
//     cursor. The cursor is therefore the session's last event that was sent.
//  4. The replayer changes the state to caught up under the same mutex, if it has
//     sent all that it read and no event after the cursor was deferred; otherwise
//     it reads again. An event that is published after that finds the member
//     caught up, and is the one after the cursor.
//  5. An event can be in what was read and be published later. Publish skips it,
//     since it is not after the cursor. Hence a caught-up session keeps its cursor
//     for a minute of ticks, within which every event in the log is published.
//  6. A cursor belongs to one replay. Whoever replaces or removes it (Watch,
//     Unwatch, a new log) ends that replay: the replayer compares the cursor under
//     the mutex before each event.
//
// The client gets the answer to its request first: Resume and Watch give a func
// start, which the caller calls after the answer. Until then a member that resumes
// is sent nothing, and a session that is watched is not replayed.
//
// If compaction has removed events that a replay needs, the member is sent a tick
// with the log's last seq: the client sees the gap and asks for what there is.
package hub
