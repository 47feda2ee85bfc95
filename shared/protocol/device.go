package protocol

// PairingStatus answers browser.pairing.status.
type PairingStatus struct {
	Status    string `json:"status"`
	Approved  bool   `json:"approved"` // Status is PairingApproved; for v3
	ExpiresAt Time   `json:"expires_at,omitempty"`
}

// PendingDevice is a pairing that is waiting for an admin. Network is the part of the
// address by which requests are limited, such as "192.0.2.1/32". Left reports that the
// requester is gone: it has closed its page or connection. Resembles is a known name that
// DeviceName resembles, which is a user's or a device's; ResemblesRole is its role.
type PendingDevice struct {
	Code          string `json:"code"`
	DeviceID      string `json:"deviceId"`
	DeviceName    string `json:"deviceName,omitempty"`
	Address       string `json:"address"`
	Network       string `json:"network,omitempty"`
	UserAgent     string `json:"userAgent,omitempty"`
	CreatedAt     Time   `json:"createdAt"`
	ExpiresAt     Time   `json:"expiresAt"`
	Left          bool   `json:"left,omitempty"`
	Resembles     string `json:"resembles,omitempty"`
	ResemblesRole Role   `json:"resemblesRole,omitempty"`

	// For v3.
	SenderID string `json:"sender_id,omitempty"`  // DeviceID: no secret
	Channel  string `json:"channel,omitempty"`    // ChannelBrowser
	ChatID   string `json:"chat_id,omitempty"`    // DeviceID
	Created  int64  `json:"created_at,omitempty"` // CreatedAt in milliseconds since 1970
	Expires  int64  `json:"expires_at,omitempty"` // ExpiresAt, likewise
}

// PairedDevice is a device that an admin has approved.
type PairedDevice struct {
	DeviceID   string `json:"deviceId"`
	UserID     string `json:"userId"`
	Role       Role   `json:"role"`
	Label      string `json:"label,omitempty"`
	DeviceName string `json:"deviceName,omitempty"`
	Address    string `json:"address"`
	UserAgent  string `json:"userAgent,omitempty"`
	CreatedAt  Time   `json:"createdAt"`
	PairedAt   Time   `json:"pairedAt,omitempty"`
	LastSeenAt Time   `json:"lastSeenAt,omitempty"`

	// For v3.
	SenderID string `json:"sender_id,omitempty"` // DeviceID: no secret
	Channel  string `json:"channel,omitempty"`   // ChannelBrowser
	ChatID   string `json:"chat_id,omitempty"`   // DeviceID
	Paired   int64  `json:"paired_at,omitempty"` // PairedAt in milliseconds since 1970
	PairedBy string `json:"paired_by,omitempty"`
}

// DeviceListParams may name a code: then only the pairing with that code is listed as
// pending.
type DeviceListParams struct {
	Code string `json:"code,omitempty"`
}

// DeviceListResult answers device.pair.list. PendingTotal is how many pairings are pending,
// if not all of them are listed. Users are the known ones, as far as they are listed.
type DeviceListResult struct {
	Pending      []PendingDevice `json:"pending"`
	PendingTotal int64           `json:"pendingTotal,omitempty"`
	Paired       []PairedDevice  `json:"paired"`
	Users        []KnownUser     `json:"users,omitempty"`
}

// KnownUser is a user who has, or has had, a device, an API key or a chat. Role is the
// highest of the user's devices and API keys; empty: the user has none.
type KnownUser struct {
	UserID string `json:"userId"`
	Role   Role   `json:"role,omitempty"`
}

// DeviceApproveParams approves the pairing with that code.
type DeviceApproveParams struct {
	Code   string `json:"code"`
	UserID string `json:"userId,omitempty"`
	Role   Role   `json:"role,omitempty"`
	Label  string `json:"label,omitempty"`
}

// DeviceApproveResult answers device.pair.approve.
type DeviceApproveResult struct {
	Paired PairedDevice `json:"paired"`
}

// DeviceDenyParams denies the pairing with that code, all pairings of a network, or all
// whose requester has left. A network is an address or a prefix such as "2001:db8::/48".
type DeviceDenyParams struct {
	Code    string `json:"code,omitempty"`
	Network string `json:"network,omitempty"`
	Left    bool   `json:"left,omitempty"`
}

// DeviceDenyResult answers device.pair.deny. Count is how many pairings were denied; More
// reports that there are others, which another call denies.
type DeviceDenyResult struct {
	Denied bool  `json:"denied"`
	Count  int64 `json:"count"`
	More   bool  `json:"more,omitempty"`
}

// DeviceRevokeParams revokes a device. SenderID and Sender are aliases of DeviceID.
type DeviceRevokeParams struct {
	DeviceID string `json:"deviceId,omitempty"`
	SenderID string `json:"senderId,omitempty"`
	Sender   string `json:"sender_id,omitempty"`
	Channel  string `json:"channel,omitempty"`
}

// DeviceRevokeResult answers device.pair.revoke.
type DeviceRevokeResult struct {
	Revoked bool `json:"revoked"`
}

// DeviceRequested notifies admins of a new pairing.
type DeviceRequested = PendingDevice

// DeviceResolved notifies admins and the requester that a pairing was approved or denied
// or has expired, or that a device was revoked. SignedOut reports that the device itself
// signed out. The requester gets only Status.
type DeviceResolved struct {
	Status    string        `json:"status"`
	SignedOut bool          `json:"signedOut,omitempty"`
	Code      string        `json:"code,omitempty"`
	DeviceID  string        `json:"deviceId,omitempty"`
	Paired    *PairedDevice `json:"paired,omitempty"`
}
