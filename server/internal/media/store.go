package media

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Store stores the records of files. Update and View may call their function more than
// once; see [store.Transactions].
type Store interface {
	store.Transactions[Tx]
}

// Tx is one transaction. All methods but Freed and Remove ignore freed records.
type Tx interface {
	// Insert adds a record; its ID must be new.
	Insert(f File) error
	// File returns the record with that id. If there is none, the error is
	// store.ErrNotFound.
	File(id string) (File, error)
	// Used returns the size of all files of a user.
	Used(userID string) (bytes int64, err error)
	// Free frees a record. If there is no such record, Free does nothing.
	Free(id string) error
	// FreeOrphans frees up to limit records that are not attached and were created before
	// a time. It returns their number.
	FreeOrphans(before time.Time, limit int) (int, error)
	// Freed returns up to limit records that were freed.
	Freed(limit int) ([]File, error)
	// InUse reports whether a record that is not freed has the content.
	InUse(sum Sum) (bool, error)
	// Remove removes a freed record.
	Remove(id string) error
}

// Sum is the SHA-256 of a content. It names the blob.
type Sum [32]byte

// File is the record of an upload.
type File struct {
	ID        string // 128 random bits
	UserID    string // the owner
	SessionID int64  // the session that it is attached to; 0 if it is not attached
	Filename  string // the sender's name for it, cleaned
	MimeType  string // according to the content
	Size      int64  // in bytes
	Width     int    // of an image as browsers show it, in pixels; otherwise 0
	Height    int    // like Width
	Thumbnail string // the MIME type of the thumbnail; "" if there is none
	Sum       Sum    // of the content
	// Unreadable says that models get only the name of the file: it is neither an image nor
	// text, and no text could be extracted.
	Unreadable bool
	CreatedAt  time.Time

	SessionUser string // the owner of the session; derived, not stored
}

// Path returns the path at which the file is served.
func (f File) Path() string { return protocol.MediaPath + f.ID }

// Wire returns the file in the form of the protocol.
func (f File) Wire() protocol.Media {
	return protocol.Media{
		Path: f.Path(), Filename: f.Filename, MimeType: f.MimeType, Size: f.Size,
		Width: int64(f.Width), Height: int64(f.Height), Thumbnail: f.Thumbnail != "",
		NoText: f.Unreadable,
	}
}
