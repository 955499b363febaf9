/// `meshConfig.pathNormalization`: how a path is cleaned before anything reads it.
package enum PathNormalization: String, Hashable, Sendable {
    case none = "NONE"
    case base = "BASE"
    case mergeSlashes = "MERGE_SLASHES"
    case decodeAndMergeSlashes = "DECODE_AND_MERGE_SLASHES"
}
