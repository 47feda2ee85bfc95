package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Media returns the store of the records of files.
func (s *Store) Media() media.Store {
	return part[media.Tx]{s, func(tx *Tx) media.Tx { return mediaTx{tx} }}
}

type mediaTx struct{ tx *Tx }

const mediaColumns = `id, user_id, session_id, filename, mime, size, width, height, thumbnail, sha256, created_at, unreadable`

// mediaOwners selects the owner of a file's session.
const mediaOwners = `coalesce((SELECT sessions.user_id FROM sessions WHERE sessions.id = media.session_id), '')`

func scanMedia(row Row) (f media.File, err error) {
	var sum []byte
	var width, height, created int64
	err = row.Scan(&f.ID, &f.UserID, &f.SessionID, &f.Filename, &f.MimeType, &f.Size, &width,
		&height, &f.Thumbnail, &sum, &created, &f.Unreadable, &f.SessionUser)
	if err == nil && len(sum) != len(f.Sum) {
		err = errors.New("sqlite: the sum of a file has the wrong length")
	}
	copy(f.Sum[:], sum)
	f.Width, f.Height, f.CreatedAt = int(width), int(height), moment(created)
	return f, err
}

func (t mediaTx) Insert(f media.File) error {
	_, err := t.tx.Exec(`INSERT INTO media (`+mediaColumns+`, freed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
		f.ID, f.UserID, f.SessionID, f.Filename, f.MimeType, f.Size, int64(f.Width),
		int64(f.Height), f.Thumbnail, f.Sum[:], millis(f.CreatedAt), f.Unreadable)
	return err
}

func (t mediaTx) File(id string) (media.File, error) {
	return one(t.tx.Query(`SELECT `+mediaColumns+`, `+mediaOwners+` FROM media WHERE id = ? AND freed = 0`, id),
		scanMedia)
}

func (t mediaTx) Used(userID string) (bytes int64, err error) {
	err = t.tx.QueryRow(`SELECT coalesce(sum(size), 0) FROM media WHERE user_id = ? AND freed = 0`,
		userID).Scan(&bytes)
	return bytes, err
}

func (t mediaTx) Free(id string) error {
	_, err := t.tx.Exec(`UPDATE media SET freed = 1 WHERE id = ?`, id)
	return err
}

func (t mediaTx) FreeOrphans(before time.Time, limit int) (int, error) {
	n, err := t.tx.Exec(`UPDATE media SET freed = 1 WHERE id IN (SELECT id FROM media
		WHERE freed = 0 AND session_id = 0 AND created_at < ? ORDER BY created_at LIMIT ?)`, millis(before), limit)
	return int(n), err
}

func (t mediaTx) Freed(limit int) ([]media.File, error) {
	return all(t.tx.Query(`SELECT `+mediaColumns+`, '' FROM media WHERE freed = 1 ORDER BY id LIMIT ?`, limit),
		scanMedia)
}

func (t mediaTx) InUse(sum media.Sum) (inUse bool, err error) {
	err = t.tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM media WHERE sha256 = ? AND freed = 0)`,
		sum[:]).Scan(&inUse)
	return inUse, err
}

func (t mediaTx) Remove(id string) error {
	_, err := t.tx.Exec(`DELETE FROM media WHERE id = ? AND freed = 1`, id)
	return err
}

func (t sessionTx) File(id string) (session.File, error) {
	f, err := mediaTx(t).File(id)
	if err != nil {
		return session.File{}, err
	}
	return session.File{ID: f.ID, UserID: f.UserID, SessionID: f.SessionID, Media: f.Wire()}, nil
}

func (t sessionTx) AttachFile(id string, sessionID int64) error {
	n, err := t.tx.Exec(`UPDATE media SET session_id = ? WHERE id = ? AND freed = 0`, sessionID, id)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// freeMedia frees the files of a session.
func (t sessionTx) freeMedia(sessionID int64) error {
	if sessionID == 0 { // files with this session id are attached to no session
		return nil
	}
	_, err := t.tx.Exec(`UPDATE media SET freed = 1 WHERE session_id = ? AND session_id <> 0 AND freed = 0`,
		sessionID)
	return err
}

// mediaText returns the media of a message as they are stored.
func mediaText(list []protocol.Media) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("encode a message's media: %w", err)
	}
	return string(text), nil
}

// mediaList parses what mediaText returns.
func mediaList(text string) (list []protocol.Media, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("sqlite: the media of a message: %w", err)
	}
	return list, nil
}
