// Package sqlite stores all durable data of Gatehouse in one SQLite file of the data
// directory (modernc.org/sqlite, without cgo).
//
// Its nouns:
//
//   - A [Store] is an open data directory. Only one process can open it.
//   - An update is a function that writes. The committer, a goroutine with the only
//     writing connection, gathers waiting updates into a batch, runs the batch in one
//     transaction, and answers the updates when it is on disk.
//   - A reader is a connection that runs one View at a time, on a snapshot.
//   - The write-ahead log (WAL) has the latest commits. A checkpoint copies them into the
//     database file and empties the log.
//   - A mark is stored both in the database and in a file next to it. If they differ, the
//     database was restored from a backup, see restore.go.
//   - A part is the Store as one domain package sees it.
//
// The database runs in WAL mode with synchronous=FULL, so acknowledged updates survive a
// kill of the process and a loss of power
// (https://www.sqlite.org/pragma.html#pragma_synchronous).
//
// The folder migrations has the tables, in numbered files. Files such as sessions.go
// implement the store of one domain package each.
package sqlite
