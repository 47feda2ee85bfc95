package session

import (
	"context"
	"errors"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// files finds the files that a message is to carry: the caller's own, or an
// admin's choice, since who has the gateway token uploads as one user and may
// speak as any.
func (c *change) files(caller Caller, ids []string) ([]File, error) {
	var files []File
	for i, id := range ids {
		f, err := c.File(id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, refuseFile(protocol.NotFound, i, "there is no such file: upload it again")
		case err != nil:
			return nil, err
		case f.UserID != caller.UserID && !caller.Role.Allows(protocol.Admin):
			return nil, refuseFile(protocol.Forbidden, i, "file does not belong to user")
		}
		files = append(files, f)
	}
	return files, nil
}

// FilesOfOthers gives those of the files that are not the user's own, whoever asks:
// it is for the audit log. What is no file is left out.
func (s *Service) FilesOfOthers(ctx context.Context, userID string, ids []string) (others []File, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		others = nil
		for _, id := range ids {
			f, err := tx.File(id)
			switch {
			case errors.Is(err, store.ErrNotFound):
			case err != nil:
				return err
			case f.UserID != userID:
				others = append(others, f)
			}
		}
		return nil
	})
	return others, err
}

// attach makes files the session's. One of another session would vanish with
// that.
func (c *change) attach(files []File) error {
	for i, f := range files {
		switch f.SessionID {
		case c.rec.ID: // which shows it once more
		case 0:
			if err := c.AttachFile(f.ID, c.rec.ID); err != nil {
				return err
			}
		default:
			return refuseFile(protocol.FailedPrecondition, i, "this file is in another session: upload it again")
		}
	}
	return nil
}

func refuseFile(code protocol.Code, i int, sentence string) error {
	return protocol.Refuse(code, "media["+strconv.Itoa(i)+"]: "+sentence)
}

// wire is what messages carry of files.
func wire(files []File) []protocol.Media {
	var media []protocol.Media
	for _, f := range files {
		media = append(media, f.Media)
	}
	return media
}
