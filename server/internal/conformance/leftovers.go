package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// kind is the kind of something that rows create, as the table names it.
type kind string

// The kinds, in the order in which they are removed: deleting a session deletes its files.
const (
	madeSession kind = "session"
	madeFile    kind = "file"
	madeKey     kind = "API key"
	madeCookie  kind = "cookie"
	madeCode    kind = "pairing"
	madeDevice  kind = "device"
)

func kinds() []kind {
	return []kind{madeSession, madeFile, madeKey, madeCookie, madeCode, madeDevice}
}

// clearTimeout bounds the removal of what rows have created.
const clearTimeout = 3 * time.Minute

// leftovers are what rows have created and not removed yet. Its methods are safe for
// concurrent use.
type leftovers struct {
	// mu guards the following field.
	mu   sync.Mutex
	made map[kind][]string // the ids or keys by which they are removed
}

func newLeftovers() *leftovers { return &leftovers{made: map[kind][]string{}} }

func (l *leftovers) add(k kind, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.made[k], name) {
		l.made[k] = append(l.made[k], name)
	}
}

// take returns what there is of a kind, and forgets it.
func (l *leftovers) take(k kind) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.made[k]
	delete(l.made, k)
	return names
}

// clear removes all things of the kinds, even if ctx has ended. It returns what the gateway
// did not remove, such as "3 of kind session". The next clear tries these again: a rate
// limit may have kept them.
func (l *leftovers) clear(ctx context.Context, t Target, of ...kind) (left []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearTimeout)
	defer cancel()
	v := &visit{ctx: ctx, target: t, address: freshAddress(), patient: true,
		users: map[string]bool{}, made: l}
	defer v.hangUp()
	for _, k := range of {
		kept := 0
		for _, name := range l.take(k) {
			if v.attempt(func(v *visit) { v.remove(k, name) }) != nil {
				v.hangUp() // the next attempt connects again
				l.add(k, name)
				kept++
			}
		}
		if kept > 0 {
			left = append(left, fmt.Sprintf("%d of kind %s", kept, k))
		}
	}
	return left
}

// remove removes something that a row has created, if it still exists.
func (v *visit) remove(k kind, name string) {
	switch k {
	case madeSession:
		v.end("sessions.delete", object{"key": name})
	case madeKey:
		v.end("api_keys.revoke", object{"id": name})
	case madeDevice:
		v.end("device.pair.revoke", object{"deviceId": name})
	case madeCode: // approving ends the request without the cool-down of a denial
		v.end("device.pair.approve", object{"code": name})
	case madeFile:
		if r, _ := v.requestAs(http.MethodDelete, name, v.target.Token, "",
			nil); r.StatusCode >= 400 &&
			r.StatusCode != http.StatusNotFound {
			v.fail("DELETE %s: HTTP %d", name, r.StatusCode)
		}
	case madeCookie:
		if r := v.signOut(http.Header{"Cookie": {name},
			"Origin": {v.target.origin()}}); r.StatusCode != http.StatusNoContent {
			v.fail("DELETE /api/session: HTTP %d", r.StatusCode)
		}
	}
}

// end makes a request as an admin, to remove something. It is no failure if that does not
// exist any more.
func (v *visit) end(method string, params object) {
	if len(v.clients) == 0 {
		v.admin("")
	}
	c := v.clients[0]
	switch answer := c.allowed(method, params); get(answer, "error.code") {
	case nil, "NOT_FOUND", "FAILED_PRECONDITION":
	default:
		v.fail("%s: %v", method, answer["error"])
	}
	c.events = nil // nothing reads them
}

// noteCreated records what the row has created, according to an answer or an event.
func (c *client) noteCreated(m object) {
	payload := get(m, "payload")
	text := func(path string) string { s, _ := get(payload, path).(string); return s }
	if code := text("pairing_code"); code != "" {
		c.v.made.add(madeCode, code)
	}
	if id := text("paired.deviceId"); id != "" && m["type"] == "res" {
		c.v.made.add(madeDevice, id)
		c.v.users[text("paired.userId")] = true // invented by the row or by the gateway
	}
	if key := text("key"); strings.HasPrefix(key, "gh_") && text("id") != "" {
		c.v.made.add(madeKey, text("id"))
	}
	// An admin gets events of other users' sessions, too. Those must not be removed.
	user := text("user_id")
	c.own = c.own || user != "" && c.v.users[user]
	if session := text("sessionKey"); session != "" && c.own && m["ok"] != false {
		c.v.made.add(madeSession, session)
	}
}
