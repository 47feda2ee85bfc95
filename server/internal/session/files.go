package session

import (
	"context"
	"errors"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// files returns the files of a message. They must belong to the caller, except if the
// caller is an admin: a program with the gateway token uploads as one user and may send
// as another.
func (c *change) files(caller Caller, ids []string) ([]File, error) {
	var files []File
	for i, id := range ids {
		f, err := c.File(id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, refuseFile(protocol.NotFound, i, "there is no such file: upload it again")
		case err != nil:
			return nil, err
		case f.UserID != caller.UserID && !caller.reachesOthers():
			return nil, refuseFile(protocol.Forbidden, i, "file does not belong to user")
		}
		files = append(files, f)
	}
	return files, nil
}

// FilesOfOthers returns those of the files that do not belong to the user, without a
// check of access: it is for the audit log. Unknown ids are left out.
func (s *Service) FilesOfOthers(ctx context.Context, userID string,
	ids []string) (others []File, err error) {
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

// attach attaches files to the session. It refuses a file of another session, which would
// be deleted with that session.
func (c *change) attach(files []File) error {
	for i, f := range files {
		switch f.SessionID {
		case c.rec.ID: // another message of the session has it, too
		case 0:
			if err := c.AttachFile(f.ID, c.rec.ID); err != nil {
				return err
			}
		default:
			return refuseFile(protocol.FailedPrecondition, i,
				"this file is in another session: upload it again")
		}
	}
	return nil
}

// refuseFile returns the refusal of the file with index i.
func refuseFile(code protocol.Code, i int, sentence string) error {
	return protocol.Refuse(code, "media["+strconv.Itoa(i)+"]: "+sentence)
}

// wire returns files in the form of the protocol.
func wire(files []File) []protocol.Media {
	var media []protocol.Media
	for _, f := range files {
		media = append(media, f.Media)
	}
	return media
}
