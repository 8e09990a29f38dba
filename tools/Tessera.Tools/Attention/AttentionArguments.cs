using System.CommandLine;
using System.Globalization;
using Tessera.Explaining;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation.Attention;
using Tessera.Tools.Output;

namespace Tessera.Tools.Attention;

/// <summary>The options of tools/attention that say what is drawn.</summary>
internal sealed class AttentionArguments
{
    private const string All = "all",
        Each = "each";

    private readonly Option<string> _blocks = CommandLine.Option<string>(
        "--blocks",
        "LIST",
        "all",
        "Attention layers that are drawn and put together, counted from 0 as they run: all, or 0,5,11. Default: all."
    );

    private readonly Option<string> _heads = CommandLine.Option<string>(
        "--heads",
        "HOW",
        "mean",
        "mean or max of a block's heads, or each, which also draws every head. Default: mean."
    );

    private readonly Option<string> _synthesis = CommandLine.Option<string>(
        "--synthesis",
        "HOW",
        "rollout",
        "How blocks become one map: rollout, mean, sum, or relevance (of --target). Default: rollout."
    );

    private readonly Option<string?> _target = CommandLine.Option<string?>(
        "--target",
        "NAME",
        "What relevance speaks for: top1, or a class or value by its name; of a detector also its objects 1, 2 …; of a "
            + "segmentor also CLASS@X1:Y1:X2:Y2. Default: top1."
    );

    private readonly Option<int?> _foreground = CommandLine.Option<int?>(
        "--foreground",
        "BLOCK",
        "Cut the map of this block into foreground and background."
    );

    private readonly Option<string?> _threshold = CommandLine.Option<string?>(
        "--threshold",
        "HOW",
        "Where it is cut: otsu; mass:0.6, the fewest patches that hold this share; or a value from 0 to 1 of the scaled map. "
            + "Default: otsu."
    );

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_blocks, _heads, _synthesis, _target, _foreground, _threshold])
            command.Add(option);
    }

    /// <exception cref="UserErrorException">One of them says nothing.</exception>
    public AttentionRequest Read(ParseResult parsed)
    {
        var (blocks, heads) = (parsed.GetRequiredValue(_blocks), parsed.GetRequiredValue(_heads));
        var (synthesis, target) = (parsed.GetRequiredValue(_synthesis), parsed.GetValue(_target));
        var (foreground, threshold) = (parsed.GetValue(_foreground), parsed.GetValue(_threshold));
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
