package gateway

import (
	"fmt"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// This file says what a param must be. Each check gives the refusal for the client, or
// reports whether a text is valid.

// badParams refuses params with a sentence that names the param.
func badParams(sentence string) *protocol.Error {
	return protocol.Refuse(protocol.InvalidRequest, sentence)
}

// shown is a client's text as an error repeats it: cut to 64 bytes.
func shown(word string) string {
	const most = 64
	if len(word) > most {
		return strings.ToValidUTF8(word[:most], "") + "…"
	}
	return word
}

// Refusals of params that several methods have.
var (
	errSessionKey = badParams("sessionKey must be 1 to 255 characters of A-Z a-z 0-9 . _ : @ -")
	errKey        = badParams("key must be a session's: 1 to 255 characters of A-Z a-z 0-9 . _ : @ -")
	errAfterSeq   = badParams("afterSeq must be 0 or the seq of an event")
)

// checkSessionKey refuses a text that cannot be a session's key.
func checkSessionKey(key string) error {
	if !validSession(key) {
		return errSessionKey
	}
	return nil
}

// checkSessionsKey is checkSessionKey for the methods that call the param key.
func checkSessionsKey(p *protocol.SessionsKeyParams) error {
	if !validSession(p.Key) {
		return errKey
	}
	return nil
}

// validSession reports whether a session may have the key.
func validSession(key string) bool {
	return len(key) <= protocol.MaxSessionKeyLength && printable.ID(key)
}

func isAlphanumeric(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// validSender reports whether a sender may have the id.
func validSender(s string) bool {
	return len(s) <= protocol.MaxSenderIDLength && printable.ID(s) && isAlphanumeric(s[0])
}

// pageLimit is the value of a limit param: usual if the param is missing, and at most
// most.
func pageLimit(limit *int64, usual, most int64) (int, error) {
	switch {
	case limit == nil:
		return int(usual), nil
	case *limit < 1:
		return 0, badParams("limit must be at least 1")
	}
	return int(min(*limit, most)), nil
}

// maxEncoded bounds a message as it is encoded inside a frame, in bytes, so that every
// event that carries the message fits a frame.
const maxEncoded = 480 << 10

// checkQueued checks the params of all methods that queue a run.
func checkQueued(idempotencyKey, ack string) error {
	switch {
	case ack != "" && ack != protocol.AckAccepted:
		return badParams(`ack must be "accepted", or left out`)
	case len(idempotencyKey) > protocol.MaxIdempotencyLength || !printable.Text(idempotencyKey):
		return badParams("idempotencyKey must be at most 128 bytes of visible text" +
			printable.Why(idempotencyKey))
	}
	return nil
}

// mediaIDs gives the ids of the files that a message attaches.
func mediaIDs(list []protocol.Media) (ids []string, err error) {
	for i, m := range list {
		id, ok := strings.CutPrefix(m.Path, protocol.MediaPath)
		if !ok || !media.ValidID(id) {
			return nil, badParams(fmt.Sprintf("media[%d].path must be the path from an upload's answer: %s and an id",
				i, protocol.MediaPath))
		}
		ids = append(ids, id)
	}
	return ids, nil
}
