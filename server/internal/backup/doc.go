// Package backup copies all data of a gateway into a directory, also while the gateway runs,
// and puts such a copy back.
//
// Its nouns:
//
//   - A backup is a directory with copies of the parts of a data directory, and a manifest.
//   - A part is the database, the folder of files (media), the folder of certificates
//     (acme), the gateway token or the mark.
//   - The manifest lists every file of the backup with its size and SHA-256. It is written
//     last, so a directory without a manifest is a backup that was cut off.
//   - A leftover is a file of SQLite's beside a database: a log, its index or a journal.
//     SQLite copies a leftover into whatever database has its name.
package backup
