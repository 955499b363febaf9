/// Why a chunked body was refused. The message ends there and the connection cannot be used any more.
package enum BodyFault: UInt8, CaseIterable, Equatable, Sendable {
    case badChunkSize, chunkTooLarge, badChunkExtension, chunkLineTooLong, badChunkEnd
    case badTrailer, forbiddenTrailer, trailersTooLarge

    /// The status of the answer to a client whose answer has not begun. For a response's body the stream is reset instead.
    package var status: Int { self == .trailersTooLarge ? 431 : 400 }

    /// A short label for counters and logs.
    package var reason: StaticString {
        switch self {
        case .badChunkSize: "bad_chunk_size"
        case .chunkTooLarge: "chunk_too_large"
        case .badChunkExtension: "bad_chunk_extension"
        case .chunkLineTooLong: "chunk_line_too_long"
        case .badChunkEnd: "bad_chunk_end"
        case .badTrailer: "bad_trailer"
        case .forbiddenTrailer: "forbidden_trailer"
        case .trailersTooLarge: "trailers_too_large"
        }
    }

    /// One line for the body of the answer.
    package var sentence: StaticString {
        switch self {
        case .badChunkSize: "A chunk size is not a hexadecimal number."
        case .chunkTooLarge: "A chunk size has too many digits."
        case .badChunkExtension: "A chunk extension is malformed."
        case .chunkLineTooLong: "A chunk's size line is too long."
        case .badChunkEnd: "A chunk is not followed by CR and LF."
        case .badTrailer: "A trailer field is malformed."
        case .forbiddenTrailer: "A trailer field would frame or route the message."
        case .trailersTooLarge: "The trailers are too large."
        }
    }
}
