package protocol

// ConnectParams is the first request of a connection; every field is optional.
type ConnectParams struct {
	Token      string  `json:"token,omitempty"`
	UserID     string  `json:"user_id,omitempty"`
	SenderID   string  `json:"sender_id,omitempty"`
	Protocol   int64   `json:"protocol,omitempty"`
	Locale     string  `json:"locale,omitempty"`
	Client     *Client `json:"client,omitempty"`
	DeviceName string  `json:"device_name,omitempty"`
	// NoPairing refuses the client instead of asking for pairing, if it has no credential.
	NoPairing bool     `json:"no_pairing,omitempty"`
	Resume    []Cursor `json:"resume,omitempty"`
	Own       bool     `json:"own,omitempty"` // change nothing of other users
	// Cookie says that the client is a page whose credential is its cookie. Without the
	// cookie it is refused with PairingNoCookie, and no pairing is requested: a browser that
	// keeps no cookies would forget the approval at once.
	Cookie bool `json:"cookie,omitempty"`
}

// WebClient is the Client.Name of the browser's client.
const WebClient = "gatehouse-web"

// Client describes the program that connects. Caps are Cap… values.
type Client struct {
	Name     string   `json:"name,omitempty"`
	Version  string   `json:"version,omitempty"`
	Platform string   `json:"platform,omitempty"`
	Caps     []string `json:"caps,omitempty"`
}

// Cursor is how far a client has read a session's log.
type Cursor struct {
	SessionKey string `json:"sessionKey"`
	Epoch      string `json:"epoch,omitempty"`
	AfterSeq   int64  `json:"afterSeq"`
}

// Server is the gateway's name and version.
type Server struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Limits are the gateway's limits and intervals for a connection.
type Limits struct {
	MaxFrameBytes  int64 `json:"maxFrameBytes"`
	PingIntervalMs int64 `json:"pingIntervalMs"`
	ReadTimeoutMs  int64 `json:"readTimeoutMs"`
	TickIntervalMs int64 `json:"tickIntervalMs"`
}

// ConnectResult answers connect: who the caller is, or the pairing that has to be
// approved first (Status is StatusPendingPairing).
type ConnectResult struct {
	Protocol       int64           `json:"protocol"`
	Role           Role            `json:"role,omitempty"`
	UserID         string          `json:"user_id,omitempty"`
	Server         Server          `json:"server"`
	Limits         *Limits         `json:"limits,omitempty"`
	Resumed        []ResumedCursor `json:"resumed,omitempty"`
	Status         string          `json:"status,omitempty"`
	PairingCode    string          `json:"pairing_code,omitempty"`
	SenderID       string          `json:"sender_id,omitempty"`
	ExpiresAt      Time            `json:"expires_at,omitempty"`
	PollIntervalMs int64           `json:"poll_interval_ms,omitempty"`

	// For v3's clients, which choose a tenant and hide pages by the following fields.
	// There is one tenant. The fields grant nothing: the role decides.
	TenantID      string `json:"tenant_id,omitempty"`
	TenantSlug    string `json:"tenant_slug,omitempty"`
	IsOwner       bool   `json:"is_owner,omitempty"`
	IsMasterScope bool   `json:"is_master_scope,omitempty"`
	Edition       string `json:"edition,omitempty"`
}

// ResumedCursor says whether a Cursor could be resumed (Status is a Resume… value), and
// how far the log goes. It also answers chat.watch.
type ResumedCursor struct {
	SessionKey string `json:"sessionKey"`
	Status     string `json:"status"`
	Epoch      string `json:"epoch,omitempty"`
	LastSeq    int64  `json:"lastSeq"`
	OwnerID    string `json:"ownerId,omitempty"`
}

// Values of ResumedCursor.Status.
const (
	ResumeLive  = "live"  // the events after the cursor follow in order, then live ones
	ResumeReset = "reset" // the events after the cursor are not available: read chat.history
	ResumeGone  = "gone"  // the caller has no such session
)
