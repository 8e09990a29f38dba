namespace Tessera.Framework.Checkpoints;

/// <summary>What training scripts put around a network's names: <c>module.</c>, <c>state_dict</c>, <c>ema</c> …, in any nesting.</summary>
internal static class Wrappers
{
    /// <summary>Weights as they are trained; where several are there, the first is taken.</summary>
    private static readonly string[] s_plain =
    [
        "state_dict",
        "model_state_dict",
        "model_state",
        "model",
        "module",
        "net",
        "network",
        "weights",
        "params",
        "student",
        "net_state_dict",
        "network_state_dict",
        "student_state_dict",
        "model_dict",
        "model_weights",
        "net_dict",
        "online_network",
        "online",
        "base_model",
        "wrapped_model",
    ];

    /// <summary>Averages of them.</summary>
    private static readonly string[] s_averaged =
    [
        "state_dict_ema",
        "model_ema",
        "ema",
        "ema_state_dict",
        "ema_model",
        "ema_model_state_dict",
        "model_ema_state_dict",
        "model_state_dict_ema",
        "model_state_ema",
        "params_ema",
        "ema_net",
        "net_ema",
        "ema_params",
        "ema_weights",
        "ema_network",
        "ema_module",
        "averaged",
        "averaged_model",
        "avg_model",
        "swa",
        "swa_model",
        "swa_state_dict",
        "shadow",
        "teacher",
        "teacher_state_dict",
        "mean_teacher",
        "target_network",
    ];

    /// <summary>Words that make an average of any name they stand in: <c>netG_ema</c>, <c>ema_shadow</c>.</summary>
    private static readonly string[] s_averages = ["ema", "swa", "polyak", "averaged", "shadow"];

    private static readonly string[] s_words = ["model", "net", "network", "state", "dict", "weights", "params", "module"];

    /// <summary>Parts of a network, which may stand before the names of a backbone alone.</summary>
    private static readonly string[] s_parts =
    [
        "backbone",
        "encoder",
        "trunk",
        "features",
        "body",
        "neck",
        "head",
        "heads",
        "decode_head",
        "auxiliary_head",
        "bbox_head",
        "classifier",
        "decoder",
        "fc",
        "projector",
        "predictor",
    ];

    /// <summary>What lies beside weights and is none.</summary>
    private static readonly string[] s_beside =
    [
        "optimizer",
        "optimizers",
        "optim",
        "scheduler",
        "schedulers",
        "scaler",
        "amp",
        "rng",
        "random",
        "criterion",
        "loss",
        "losses",
        "callbacks",
        "loops",
        "hyper",
        "hparams",
    ];

    /// <summary>Put into names by torch.compile, FSDP, Lightning Fabric and activation checkpointing, wherever the wrapped module
    /// is.</summary>
    private static readonly string[] s_inserted =
    [
        "_orig_mod.",
        "_fsdp_wrapped_module.",
        "_forward_module.",
        "_checkpoint_wrapped_module.",
        "_fpw_module.",
    ];

    /// <summary>The counter that torch.optim.swa_utils.AveragedModel keeps beside the average.</summary>
    public const string AverageCounter = "n_averaged";

    public static bool IsWeights(string word) => IsPlain(word) || IsAveraged(word);

    public static bool IsPlain(string word) => s_plain.Contains(word, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it is what average weights are usually called.</summary>
    public static bool IsUsualAverage(string word) => s_averaged.Contains(word, StringComparer.OrdinalIgnoreCase);

    public static bool IsAveraged(string word) => IsUsualAverage(word) || word.Split('_', '-').Any(IsAveragesToken) || IsAverageOf(word);

    private static bool IsAveragesToken(string token) => s_averages.Contains(token, StringComparer.OrdinalIgnoreCase);

    // "avg" alone may be a pooling; "model_avg" is no pooling.
    private static bool IsAverageOf(string word)
    {
        var tokens = word.ToLowerInvariant().Split('_', '-');
        return tokens.Intersect(["avg", "average"]).Any() && tokens.Intersect(s_words).Any();
    }

    public static bool IsPart(string word) => s_parts.Contains(word, StringComparer.Ordinal);

    public static bool IsBeside(string word) =>
        word.Split('_', '-').Any(token => s_beside.Contains(token, StringComparer.OrdinalIgnoreCase));

    /// <summary>The most usual first; words that are none of these last.</summary>
    public static int Rank(string word)
    {
        var place = Array.FindIndex(s_plain, plain => plain.Equals(word, StringComparison.OrdinalIgnoreCase));
        if (place < 0)
            place = Array.FindIndex(s_averaged, averaged => averaged.Equals(word, StringComparison.OrdinalIgnoreCase));
        return place < 0 ? int.MaxValue : place;
    }

    /// <summary>The name without what wrappers put into it.</summary>
    public static string Plain(string name)
    {
        if (!name.Contains('_', StringComparison.Ordinal))
            return name;
        foreach (var inserted in s_inserted)
        {
            for (
                var at = name.IndexOf(inserted, StringComparison.Ordinal);
                at >= 0;
                at = name.IndexOf(inserted, at, StringComparison.Ordinal)
            )
            {
                if (at == 0 || name[at - 1] == '.')
                    name = name.Remove(at, inserted.Length);
                else
                    at += inserted.Length;
            }
        }
        return name;
    }

    /// <summary>By a file's names, those without what wrappers put into them; as they are where two would be the same.</summary>
    public static Dictionary<string, string> PlainNames(IReadOnlyCollection<string> names)
    {
        var plain = names.ToDictionary(name => name, Plain);
        return plain.Values.Distinct(StringComparer.Ordinal).Count() == plain.Count ? plain : names.ToDictionary(name => name);
    }

    /// <summary>
    /// What may stand before a network's names in a file: every beginning of a name that is made of known words and at most
    /// one that isn't, where enough names begin so. The empty one first, then the shorter.
    /// </summary>
    /// <param name="names">Without what wrappers put into them.</param>
    public static IReadOnlyList<string> Prefixes(IReadOnlyCollection<string> names)
    {
        const int deepest = 6,
            most = 60;
        var counts = new Dictionary<string, (int Count, int Unknown)>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var unknown = 0;
            for (int depth = 0, start = 0; depth < deepest; depth++)
            {
                var end = name.IndexOf('.', start);
                if (end < 0)
                    break;
                var word = name[start..end];
                if (!IsWeights(word) && !IsPart(word))
                    unknown++;
                if (unknown > 1)
                    break;
                var prefix = name[..(end + 1)];
                counts[prefix] = counts.TryGetValue(prefix, out var known) ? (known.Count + 1, known.Unknown) : (1, unknown);
                start = end + 1;
            }
        }
        return
        [
            .. counts
                .Where(pair => pair.Value.Unknown == 0 || pair.Value.Count * 5 >= names.Count)
                .OrderBy(pair => pair.Value.Unknown)
                .ThenByDescending(pair => pair.Value.Count)
                .ThenBy(pair => pair.Key.Length)
                .ThenBy(pair => pair.Key, StringComparer.Ordinal)
                .Take(most)
                .Select(pair => pair.Key)
                .Prepend(""),
        ];
    }

    /// <summary>The prefix of what lies beside a part: "model." of "model.encoder."; null where the last word is no part.</summary>
    public static string? BesidePart(string prefix)
    {
        if (prefix.Length == 0)
            return null;
        var start = prefix.LastIndexOf('.', prefix.Length - 2) + 1;
        return IsPart(prefix[start..^1]) ? prefix[..start] : null;
    }

    /// <summary>Whether a prefix names an average.</summary>
    public static bool HasAverage(string prefix) => prefix.Split('.').Any(IsAveraged);
}
