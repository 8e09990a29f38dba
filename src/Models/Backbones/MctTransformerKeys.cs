using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <summary>What other projects call the parameters of an <see cref="MctTransformer"/>. The maps only read: the authors' files also hold
/// tensors that nothing uses (a last norm; in +, DeiT's positional embedding).</summary>
internal static class MctTransformerKeys
{
    private const string Positions = "pos_embed";
    private const string OfClasses = "pos_embed_cls";
    private const string OfPatches = "pos_embed_pat";

    /// <param name="classes">Class tokens here.</param>
    /// <param name="patches">Patches of the grid that the positional embeddings are made for.</param>
    public static IReadOnlyDictionary<string, KeyMap> Maps(int classes, int patches) =>
        new Dictionary<string, KeyMap>
        {
            ["mctformer"] = Split(tokens => OfMct(tokens, classes, patches) is { } leading ? (leading, leading) : null),
            ["mctformer_plus"] = Plain() with { Computed = key => key == Positions || IsNorm(key) },
            ["timm"] = Split(tokens => OfDeit(tokens) is { } leading ? (leading, 1) : null),
        };

    private static KeyMap Plain() => new KeyTable("head").ToKeyMap() with { Publish = null, Computed = IsNorm };

    private static bool IsNorm(string key) => key.StartsWith("norm.", StringComparison.Ordinal);

    // One embedding [1, leading + patches, C] becomes two; of the leading tokens the first are taken.
    private static KeyMap Split(Func<long, (long Leading, long Taken)?> split)
    {
        var plain = Plain();
        return plain with
        {
            Rename = key => key == Positions ? OfClasses : plain.Rename(key),
            RenameSecond = key => key == Positions ? OfPatches : null,
            Reshape = (key, stored) =>
            {
                if (key is not (OfClasses or OfPatches) || stored.dim() != 3 || split(stored.shape[1]) is not { } parts)
                    return stored;
                return key == OfClasses
                    ? stored.narrow(1, 0, parts.Taken)
                    : stored.narrow(1, parts.Leading, stored.shape[1] - parts.Leading);
            },
        };
    }

    /// <summary>V1's and V2's class tokens among all tokens, whose grid is this one's or square; null where neither can be.</summary>
    private static long? OfMct(long tokens, int classes, int patches) =>
        tokens == classes + patches ? classes
        : OfDeit(tokens) is 1 ? 1 // DeiT's names are the same
        : IsSquare(tokens - classes) ? classes
        : tokens > patches ? tokens - patches // of other classes
        : null;

    private static long? OfDeit(long tokens) =>
        IsSquare(tokens - 1) ? 1
        : IsSquare(tokens - 2) ? 2 // with a distillation token, of which nothing is taken
        : null;

    private static bool IsSquare(long count)
    {
        var side = (long)Math.Round(Math.Sqrt(Math.Max(0, count)));
        return side > 0 && side * side == count;
    }
}
