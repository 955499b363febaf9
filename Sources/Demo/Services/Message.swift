import Wire

/// A request as the sample services see it: read whole, small.
package struct Request: Sendable {
    package var method: String
    /// The path without its query.
    package var path: String
    /// What stands behind the question mark, empty without one.
    package var query: String
    /// In order, names in lower case.
    package var fields: [(name: String, value: String)]

    /// The first value of a field.
    package func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// An answer, complete.
package struct Response: Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]

    package init(status: Int = 200, contentType: String = "application/json", body: String) {
        self.status = status
        self.contentType = contentType
        self.body = Array(body.utf8)
    }

    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// The body, invalid UTF-8 repaired.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// An answer that says in one sentence what went wrong.
    package static func failure(_ status: Int, _ sentence: String) -> Response {
        Response(status: status, body: "{\"error\":\(JSON.quoted(sentence))}\n")
    }
}

/// What can go wrong between two programs, as a sentence.
package struct DemoError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// The little JSON that is written by hand.
enum JSON {
    /// A string literal: quotes, backslashes and control characters escaped.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
