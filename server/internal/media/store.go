package media

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store keeps the records of files. Update and View may run their function more
// than once; store.Transactions says what they promise.
type Store interface {
	store.Transactions[Tx]
}

// Tx is one transaction. A freed record counts as gone except in Freed.
type Tx interface {
	// Insert adds a record; its ID must be new.
	Insert(f File) error
	// File finds a record by its id, or gives store.ErrNotFound.
	File(id string) (File, error)
	// Used is how many bytes a user's files have together.
	Used(userID string) (bytes int64, err error)
	// Free frees a record; one that is gone is no error.
	Free(id string) error
	// FreeOrphans frees up to limit records that no session has and that are from
	// before that, and gives how many these were.
	FreeOrphans(before time.Time, limit int) (int, error)
	// Freed gives up to limit records that were freed.
	Freed(limit int) ([]File, error)
	// Kept reports whether a record that is not freed has the content.
	Kept(sum Sum) (bool, error)
	// Remove removes a freed record for good.
	Remove(id string) error
}

// Sum is the SHA-256 of a file's content, which its blob is named by.
type Sum [32]byte

// File is the record of an upload.
type File struct {
	ID        string // 128 random bits
	UserID    string // whose it is
	SessionID int64  // what it is attached to; 0: nothing yet
	Filename  string // as cleaned from its sender's
	MimeType  string // as the content says
	Size      int64  // bytes
	Width     int    // of an image as it is shown, in pixels; else 0
	Height    int
	Thumbnail string // MIME type of its small picture; empty: it has none
	Sum       Sum
	CreatedAt time.Time

	SessionUser string // derived: whose the session is; not saved
}

// Path is the address under which the file is served.
func (f File) Path() string { return protocol.MediaPath + f.ID }

// Wire is the file as messages carry it.
func (f File) Wire() protocol.Media {
	return protocol.Media{
		Path: f.Path(), Filename: f.Filename, MimeType: f.MimeType, Size: f.Size,
		Width: int64(f.Width), Height: int64(f.Height), Thumbnail: f.Thumbnail != "",
	}
}
