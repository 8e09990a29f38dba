using System.Globalization;
using Tessera.Explaining;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation.Attention;

namespace Tessera.Tools.Attention;

/// <summary>The options of tools/attention, read.</summary>
internal static class AttentionArguments
{
    private const string All = "all",
        Each = "each";

    /// <exception cref="UserErrorException">One of them says nothing.</exception>
    public static AttentionRequest Read(string blocks, string heads, string synthesis, string? target, int? foreground, string? threshold)
    {
        if (foreground is null && threshold is not null)
            throw new UserErrorException("--threshold cuts the map of a block: say which by --foreground BLOCK.");
        var kind = Named<SynthesisKind>("--synthesis", synthesis);
        if (target is not null && kind != SynthesisKind.Relevance)
            throw new UserErrorException(
                $"--target is what relevance speaks for; --synthesis {synthesis} reads no score. Take --synthesis relevance."
            );
        var request = new AttentionRequest
        {
            Blocks = blocks == All ? [] : [.. blocks.Split(',').Select(Block)],
            Heads = heads == Each ? null : Named<HeadFusion>("--heads", heads, Each),
            Synthesis = kind,
            Target = target is null or "top1" ? null : target,
            Foreground = foreground,
        };
        return threshold is null ? request : request with { Threshold = AttentionForeground.Parse(threshold) };
    }

    private static int Block(string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : throw new UserErrorException(
                $"--blocks: \"{text}\" is no number of a block. \"all\", or numbers from 0 with commas between (0,5,11), were expected."
            );

    private static T Named<T>(string option, string text, params string[] others)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant()), .. others];
        return names.Contains(text)
            ? Enum.Parse<T>(text, ignoreCase: true)
            : throw new UserErrorException(
                $"{option} doesn't know \"{text}\".{NearestName.Suggest(text, names)} It takes {string.Join(", ", names)}."
            );
    }
}
