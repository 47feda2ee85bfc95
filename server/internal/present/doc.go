// Package present adds formatted text (HTML) to messages and events, for the
// clients and pages that take it. The formatted text is derived from the stored
// text and is never stored on disk.
//
// Messages are whole: a page of a transcript is formatted by [Formatter.Messages], which
// keeps what it has formatted and serves its users in turns. An answer that is being
// written is formatted in one of two ways:
//
//   - [Live] follows all sessions. It adds to each event, as it is published, the
//     patch that all of the session's readers apply.
//   - [Replay] goes through the stored events of one session for one reader. Of each
//     answer, only the last event has formatted text, and that of the whole answer.
//
// A reader who changes over from a Replay to live events has the blocks of Live, or is
// corrected by [Live.Restate].
//
// Every payload that leaves this package fits a frame: formatted text that would
// make an event too large is left out, and the reader shows the plain text.
package present
