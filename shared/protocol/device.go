package protocol

// PairingStatus answers browser.pairing.status.
type PairingStatus struct {
	Status    string `json:"status"`
	ExpiresAt Time   `json:"expires_at,omitempty"`
}

// PendingDevice is a pairing that is waiting for an admin.
type PendingDevice struct {
	Code       string `json:"code"`
	DeviceID   string `json:"deviceId"`
	DeviceName string `json:"deviceName,omitempty"`
	Address    string `json:"address"`
	UserAgent  string `json:"userAgent,omitempty"`
	CreatedAt  Time   `json:"createdAt"`
	ExpiresAt  Time   `json:"expiresAt"`
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
	LastSeenAt Time   `json:"lastSeenAt,omitempty"`
}

// DeviceListResult answers device.pair.list.
type DeviceListResult struct {
	Pending []PendingDevice `json:"pending"`
	Paired  []PairedDevice  `json:"paired"`
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

// DeviceDenyParams denies the pairing with that code.
type DeviceDenyParams struct {
	Code string `json:"code"`
}

// DeviceDenyResult answers device.pair.deny.
type DeviceDenyResult struct {
	Denied bool `json:"denied"`
}

// DeviceRevokeParams revokes a device. SenderID is an alias of DeviceID.
type DeviceRevokeParams struct {
	DeviceID string `json:"deviceId,omitempty"`
	SenderID string `json:"senderId,omitempty"`
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
