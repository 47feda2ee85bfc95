// Package session has the sessions, their logs and their transcripts.
//
// Its nouns:
//
//   - A session is a conversation of one user with one agent. Its [Record] has a key, an
//     owner and a label.
//   - The log of a session is its append-only list of events. Each has a seq, counted
//     from 1 without gaps.
//   - An epoch identifies a log. It changes when the log starts again, after a reset or a
//     deletion.
//   - A cursor is an epoch and a seq: what a client has read of a log. A list of sessions
//     has cursors of its own ([Record.ListCursor]).
//   - The transcript is the list of [Message]s that the events produce. It is stored in
//     the same transaction as the events.
//   - A run is the making of one answer: queued, running, then completed, failed or
//     cancelled ([Run]).
//   - A piece is a part of a streaming answer, stored as one event ([Piece]).
//   - A lease says until when the holder of a run is known to be alive.
//   - To compact is to remove the pieces of old answers from the log. The floor is the
//     highest seq that was removed; below it the log has gaps.
//   - A tail is the end of a log, cached in memory.
//
// Each change (a message, a piece of an answer, the end of a run, a new label) is one
// event. An event is committed before it is published. A client that knows an epoch and a
// seq gets all later events by [Service.Replay], from memory or from the store, or a
// reset if its seq is below the floor or belongs to another log.
//
// A run whose lease has expired is ended as interrupted by [Service.Recover].
// [Service.Retry] answers its message again.
//
// A [Service] serialises the changes of one session, so that its events reach the
// [Publisher] in the order of their seq. Changes of different sessions are concurrent and
// share the store's grouped commits. The tails are correct only while no other process
// changes the sessions of the store.
package session
