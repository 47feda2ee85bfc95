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

// message is one notification. All tries to deliver it send the same id and body.
type message struct {
	id    string
	event string
	body  []byte // JSON
}

// newMessage returns a message with data as JSON.
func newMessage(event string, data any) (message, error) {
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{event, time.Now().UTC().Truncate(time.Millisecond), data})
	return message{id: "msg_" + rand.Text(), event: event, body: body}, err
}

// pairingRequested is the data of a message about a browser that asks to be paired.
// It has no pairing code: only the user and the admin may see that.
type pairingRequested struct {
	DeviceID   string    `json:"deviceId"`
	DeviceName string    `json:"deviceName"`
	Address    string    `json:"address"`
	UserAgent  string    `json:"userAgent,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

func newPairingRequested(p protocol.PendingDevice) pairingRequested {
	return pairingRequested{
		DeviceID: p.DeviceID, DeviceName: p.DeviceName, Address: p.Address, UserAgent: p.UserAgent,
		CreatedAt: p.CreatedAt.Go(), ExpiresAt: p.ExpiresAt.Go(),
	}
}

// pairingResolved is the data of a message about a request that was resolved, or a
// device whose access ended.
type pairingResolved struct {
	DeviceID  string `json:"deviceId"`
	Status    string `json:"status"`              // approved, denied, expired or revoked
	SignedOut bool   `json:"signedOut,omitempty"` // revoked by the device itself
	UserID    string `json:"userId,omitempty"`    // of a device that is or was paired
	Role      string `json:"role,omitempty"`      // likewise
}

func newPairingResolved(r protocol.DeviceResolved) pairingResolved {
	data := pairingResolved{DeviceID: r.DeviceID, Status: r.Status, SignedOut: r.SignedOut}
	if r.Paired != nil {
		data.UserID, data.Role = r.Paired.UserID, string(r.Paired.Role)
	}
	return data
}

// sign sets the headers of a request that is sent now.
func (m message) sign(h http.Header, key []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte(m.id + "." + at + "."))
	sum.Write(m.body)
	h.Set("Webhook-Id", m.id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)))
}
