/// An answer of admin.
package struct AdminResponse {
    package enum Body {
        /// All of it.
        case bytes([UInt8])
        /// Piece by piece, each asked for when the one before was taken by the peer; nil ends it. Pieces are not empty.
        case pieces(() -> [UInt8]?)
    }

    package var status: Int
    package var contentType: String
    package var body: Body
    /// `Allow`, with a 405.
    package var allow: String?

    package init(status: Int = 200, contentType: String = "text/plain; charset=UTF-8", body: Body) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A text of a line or more.
    package static func text(_ text: String, status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, body: .bytes(Array(text.utf8)))
    }

    /// One JSON value.
    package static func json(_ bytes: [UInt8], status: Int = 200) -> AdminResponse {
        AdminResponse(status: status, contentType: "application/json", body: .bytes(bytes))
    }

    /// The head, with its empty line. `minorVersion` 0 knows no chunks: its body ends with the connection.
    func head(minorVersion: UInt8, persists: Bool) -> String {
        var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\ncontent-type: \(contentType)\r\n"
        head += "cache-control: no-cache, max-age=0\r\nx-content-type-options: nosniff\r\n"
        if let allow { head += "allow: \(allow)\r\n" }
        switch body {
        case .bytes(let bytes): head += "content-length: \(bytes.count)\r\n"
        case .pieces: if minorVersion == 1 { head += "transfer-encoding: chunked\r\n" }
        }
        if !persists {
            head += "connection: close\r\n"
        } else if minorVersion == 0 {
            head += "connection: keep-alive\r\n"
        }
        return head + "\r\n"
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }
}
