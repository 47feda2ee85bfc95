package gateway

import (
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// newKey is an API key to store.
type newKey struct {
	params *protocol.KeysCreateParams
	key    auth.GeneratedKey
}

// generateKey checks only v3's names: auth.Keys.Create checks the params for all its
// callers.
func generateKey(_ *call, p *protocol.KeysCreateParams) (newKey, error) {
	params, err := fromV3(*p)
	return newKey{&params, auth.GenerateKey()}, err
}

func describeNewKey(_ *call, k newKey) *audit.Act {
	return &audit.Act{
		Target: audit.Key(k.key.ID()),
		Detail: details("prefix", k.key.Prefix(), "user", k.params.UserID, "name", k.params.Name,
			"role", string(k.params.Role), "expires in", lasting(k.params.ExpiresIn)),
	}
}

func (c *call) apiKeysCreate(k newKey) (protocol.Payload, error) {
	made, err := c.g.Keys.Create(c.ctx, c.caller().UserID, *k.params, k.key)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.key_created", "by", c.caller().UserID, "key", made.Prefix, "id", made.ID,
		"user", made.UserID, "role", made.Role, "expires", expiry(made.ExpiresAt))
	return &made, nil
}

// expiry is the time at which a key expires, for the log; "never" for a key that does not.
func expiry(at protocol.Time) string {
	if at == 0 {
		return "never"
	}
	return at.Go().Format(time.RFC3339)
}

// lasting is a duration in seconds as text, "" for 0.
func lasting(seconds int64) string {
	const day = 24 * 60 * 60
	switch {
	case seconds == 0:
		return ""
	case seconds%day == 0:
		return strconv.FormatInt(seconds/day, 10) + " d"
	}
	return strconv.FormatInt(seconds, 10) + " s"
}

func (c *call) apiKeysList(*protocol.Empty) (protocol.Payload, error) {
	list, more, err := c.g.Keys.List(c.ctx)
	return &protocol.KeysListResult{Keys: list, More: more}, err
}

func checkKeysRevoke(p *protocol.KeysRevokeParams) error {
	if p.ID == "" {
		return badParams("id must name an API key: see api_keys.list")
	}
	return nil
}

func describeKey(_ *call, p *protocol.KeysRevokeParams) *audit.Act {
	if p.ID == "" {
		return nil // there is nothing that it could be done to
	}
	return &audit.Act{Target: audit.Key(p.ID)}
}

func (c *call) apiKeysRevoke(p *protocol.KeysRevokeParams) (protocol.Payload, error) {
	revoked, err := c.g.Keys.Revoke(c.ctx, c.caller().UserID, p.ID)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.key_revoked", "by", c.caller().UserID,
		"key", revoked.Prefix, "id", revoked.ID)
	c.reply(&protocol.KeysRevokeResult{Revoked: true}) // first: it may be the caller's own key
	c.g.Registry.CloseKey(revoked.ID, protocol.ReasonKeyRevoked)
	return later, nil
}
