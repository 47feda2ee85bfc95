package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// message is what is told, once, in one or more tries.
type message struct {
	id    string
	event string
	body  []byte
}

// newMessage makes a message; data must have a form in JSON.
func newMessage(event string, data any) (message, error) {
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{event, time.Now().UTC().Truncate(time.Millisecond), data})
	return message{id: "msg_" + rand.Text(), event: event, body: body}, err
}

// requested is what is told of a browser that asks. The code is left out: it is
// for the people at both ends.
type requested struct {
	DeviceID   string    `json:"deviceId"`
	DeviceName string    `json:"deviceName"`
	Address    string    `json:"address"`
	UserAgent  string    `json:"userAgent,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

func requestedOf(p protocol.PendingDevice) requested {
	return requested{
		DeviceID: p.DeviceID, DeviceName: p.DeviceName, Address: p.Address, UserAgent: p.UserAgent,
		CreatedAt: p.CreatedAt.Go(), ExpiresAt: p.ExpiresAt.Go(),
	}
}

// resolved is what is told of the end of a request or a device's access.
type resolved struct {
	DeviceID  string `json:"deviceId"`
	Status    string `json:"status"`              // approved, denied, expired or revoked
	SignedOut bool   `json:"signedOut,omitempty"` // revoked by the device itself
	UserID    string `json:"userId,omitempty"`    // of one that was let in
	Role      string `json:"role,omitempty"`
}

func resolvedOf(r protocol.DeviceResolved) resolved {
	told := resolved{DeviceID: r.DeviceID, Status: r.Status, SignedOut: r.SignedOut}
	if r.Paired != nil {
		told.UserID, told.Role = r.Paired.UserID, string(r.Paired.Role)
	}
	return told
}

// sign sets the headers of a try at a moment.
func (m message) sign(h http.Header, key []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte(m.id + "." + at + "."))
	sum.Write(m.body)
	h.Set("Webhook-Id", m.id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)))
}
