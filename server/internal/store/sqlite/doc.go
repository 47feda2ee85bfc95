// Package sqlite keeps everything Gatehouse must not lose in one SQLite file
// (modernc.org/sqlite: no cgo) of the data directory.
//
// All writing goes through Store.Update, which gathers what is waiting into one
// transaction and returns when that is on disk. One connection writes; a few
// others read snapshots through Store.View. The database runs in WAL mode with
// synchronous=FULL, so what was acknowledged survives a kill of the process and
// a loss of power (https://www.sqlite.org/pragma.html#pragma_synchronous).
//
// The tables come from the numbered files in migrations; each other file of the
// package implements the store that one domain package asks for.
package sqlite
