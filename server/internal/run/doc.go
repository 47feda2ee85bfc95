// Package run produces answers. A [Runner] takes up the queued runs of each session, one
// after another, lets the agent answer, and appends the answer to the session's log while
// it streams.
//
// Its nouns:
//
//   - A run is one answer to one message. It belongs to its session, not to a client: it
//     goes on when every client has disconnected. It ends exactly once, as completed,
//     failed or cancelled.
//   - A worker is the goroutine of a busy session. It ends when no run is queued.
//   - A piece is an increment of an answer, as the agent emits it. Pieces gather for
//     about 40 ms in a buffer, and are then appended to the log together.
//   - A lease says until when a Runner has claimed its runs. The Runner renews its leases
//     while it lives. A run whose lease has expired has lost its process, and the sweep
//     of any process ends it.
//   - An outcome says how a run ended, with a sentence for the readers of the chat.
//
// An agent that fails before it has emitted text is retried. A failure after that is the
// outcome of the run.
package run
