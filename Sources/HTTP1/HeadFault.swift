/// Why a head was refused. One case per rule, so that counters and logs say which rule a peer broke.
package enum HeadFault: UInt8, CaseIterable, Equatable, Sendable {
    // Lines
    case bareLineFeed, bareCarriageReturn, emptyLines
    // First line
    case badMethod, badTarget, badRequestLine, badStatusLine, badVersion, unsupportedVersion
    // Fields
    case foldedLine, badFieldName, emptyFieldName, whitespaceBeforeColon, missingColon, badFieldValue
    // Framing
    case badContentLength, repeatedContentLength, lengthWithTransferEncoding
    case repeatedTransferEncoding, unknownTransferCoding, transferEncodingInHTTP10
    // Who is asked, and what may be taken off on the way
    case missingHost, repeatedHost, badAuthority, badConnection, tooManyNominations, forbiddenNomination
    // Size
    case headTooLarge, tooManyFields

    /// The status of the answer to a client. For a response's head it is always 502.
    package var status: Int {
        switch self {
        case .unsupportedVersion: 505
        case .unknownTransferCoding: 501
        case .headTooLarge, .tooManyFields: 431
        default: 400
        }
    }

    /// A short label for counters and logs.
    package var reason: StaticString {
        switch self {
        case .bareLineFeed: "bare_line_feed"
        case .bareCarriageReturn: "bare_carriage_return"
        case .emptyLines: "empty_lines"
        case .badMethod: "bad_method"
        case .badTarget: "bad_target"
        case .badRequestLine: "bad_request_line"
        case .badStatusLine: "bad_status_line"
        case .badVersion: "bad_version"
        case .unsupportedVersion: "unsupported_version"
        case .foldedLine: "folded_line"
        case .badFieldName: "bad_field_name"
        case .emptyFieldName: "empty_field_name"
        case .whitespaceBeforeColon: "whitespace_before_colon"
        case .missingColon: "missing_colon"
        case .badFieldValue: "bad_field_value"
        case .badContentLength: "bad_content_length"
        case .repeatedContentLength: "repeated_content_length"
        case .lengthWithTransferEncoding: "length_with_transfer_encoding"
        case .repeatedTransferEncoding: "repeated_transfer_encoding"
        case .unknownTransferCoding: "unknown_transfer_coding"
        case .transferEncodingInHTTP10: "transfer_encoding_in_http_10"
        case .missingHost: "missing_host"
        case .repeatedHost: "repeated_host"
        case .badAuthority: "bad_authority"
        case .badConnection: "bad_connection"
        case .tooManyNominations: "too_many_nominations"
        case .forbiddenNomination: "forbidden_nomination"
        case .headTooLarge: "head_too_large"
        case .tooManyFields: "too_many_fields"
        }
    }

    /// One line for the body of the answer. It repeats nothing of what the peer sent.
    package var sentence: StaticString {
        switch self {
        case .bareLineFeed: "A line of the head ends in LF without CR."
        case .bareCarriageReturn: "The head contains a CR that no LF follows."
        case .emptyLines: "Too many empty lines precede the request line."
        case .badMethod: "The method is not a token."
        case .badTarget: "The request target is not in a form that this method allows."
        case .badRequestLine: "The request line is not method, target and version with one space between them."
        case .badStatusLine: "The status line is not version, status and reason."
        case .badVersion: "The protocol version is malformed."
        case .unsupportedVersion: "Only HTTP/1.0 and HTTP/1.1 are spoken here."
        case .foldedLine: "A field line begins with white space."
        case .badFieldName: "A field name contains a character that is not allowed."
        case .emptyFieldName: "A field has no name."
        case .whitespaceBeforeColon: "White space stands between a field name and its colon."
        case .missingColon: "A field line has no colon."
        case .badFieldValue: "A field value contains a control character."
        case .badContentLength: "Content-Length is not a decimal number."
        case .repeatedContentLength: "Content-Length occurs more than once."
        case .lengthWithTransferEncoding: "Content-Length and Transfer-Encoding occur together."
        case .repeatedTransferEncoding: "Transfer-Encoding occurs more than once."
        case .unknownTransferCoding: "The only transfer coding spoken here is chunked."
        case .transferEncodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding."
        case .missingHost: "The Host field is missing."
        case .repeatedHost: "Host occurs more than once."
        case .badAuthority: "The host contains a character that is not allowed."
        case .badConnection: "The Connection field is not a list of names."
        case .tooManyNominations: "The Connection field names too many fields."
        case .forbiddenNomination: "The Connection field names a field that must not be taken off."
        case .headTooLarge: "The head is too large."
        case .tooManyFields: "The head has too many fields."
        }
    }
}
