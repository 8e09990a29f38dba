using System.Globalization;
using Tessera.Framework.Models;
using Tessera.Models.Attention;

namespace Tessera.Models.Backbones.Vit;

/// <summary>Says by which options a <see cref="VisionTransformer"/> would have the form of weights that are of another.</summary>
internal static class VitMismatch
{
    private static readonly string[] _registers = ["reg_token", "register_tokens", "storage_tokens"];

    /// <inheritdoc cref="Backbone.OptionsFor"/>
    public static string? OptionsFor(
        VisionTransformerOptions options,
        IReadOnlyCollection<string> missing,
        IReadOnlyDictionary<string, IReadOnlyList<long>> unexpected
    )
    {
        bool Lacks(string part) => missing.Any(name => name.Contains(part, StringComparison.Ordinal));
        bool Has(params string[] parts) =>
            Array.Exists(parts, part => unexpected.Keys.Any(name => name.Contains(part, StringComparison.Ordinal)));
        var (differences, set) = (new List<string>(), new List<string>());
        void Differ(bool more, bool less, string what, string option, string otherwise)
        {
            if (more || less)
                differences.Add((more ? "have " : "lack ") + what);
            if (more || less)
                set.Add(more ? option : otherwise);
        }

        var registers = unexpected
            .FirstOrDefault(tensor => _registers.Any(name => tensor.Key.EndsWith(name, StringComparison.Ordinal)))
            .Value;
        var count = registers is [_, var tokens, _] ? tokens.ToString(CultureInfo.InvariantCulture) : "4";
        Differ(
            registers is not null && options.RegTokens == 0,
            Lacks("reg_token"),
            registers is null ? "registers" : $"{count} registers",
            $"reg_tokens: {count}",
            "reg_tokens: 0"
        );
        Differ(
            options.LayerScale is null && Has(".ls1.gamma", ".gamma_1"),
            Lacks(".ls1.gamma"),
            "a LayerScale",
            "layer_scale: 1e-5",
            "layer_scale: null"
        );
        Differ(
            !options.AbsolutePositions && Has("pos_embed"),
            Lacks("pos_embed"),
            "learned positions",
            "absolute_positions: true",
            "absolute_positions: false"
        );
        Differ(
            !options.PreNorm && Has("norm_pre."),
            Lacks("norm_pre."),
            "a norm before the first block",
            "pre_norm: true",
            "pre_norm: false"
        );
        if (options.MlpType != MlpType.Swiglu && Has(".mlp.fc1_g.", ".mlp.w1."))
            Differ(more: true, less: false, "a SwiGLU of two layers", "mlp_type: \"swiglu\"", "");
        if (Lacks(".mlp.fc1_g."))
            Differ(more: false, less: true, "a SwiGLU of two layers", "", "mlp_type: \"mlp\" or \"swiglu_packed\"");
        Qkv(options, Has, Lacks, Differ);
        return differences.Count == 0
            ? null
            : $"They {string.Join(", ", differences)}: set {string.Join(", ", set)}, or skip what is to start anew (init.skip).";
    }

    private static void Qkv(
        VisionTransformerOptions options,
        Func<string[], bool> has,
        Func<string, bool> lacks,
        Action<bool, bool, string, string, string> differ
    )
    {
        const string Biases = "biases of queries and values alone";
        if (has([".attn.q_proj."]) && options.QkvLayout != QkvLayout.Separate)
            differ(true, false, "layers q_proj, k_proj and v_proj", "qkv_layout: \"separate\"", "");
        else if (lacks(".attn.q_proj.weight"))
            differ(false, true, "layers q_proj, k_proj and v_proj", "", "qkv_layout: \"fused\" or \"no_key_bias\"");
        else if (has([".attn.q_bias"]) && (options.QkvLayout != QkvLayout.NoKeyBias || !options.QkvBias))
            differ(true, false, Biases, "qkv_layout: \"no_key_bias\", qkv_bias: true", "");
        else if (has([".attn.qkv.bias"]) && !options.QkvBias)
            differ(true, false, "biases of queries, keys and values", "qkv_bias: true", "");
        else if (lacks(".attn.q_bias"))
            differ(false, true, Biases, "", "qkv_bias: false (or qkv_layout: \"fused\")");
        else if (lacks(".attn.qkv.bias"))
            differ(false, true, "biases of queries, keys and values", "", "qkv_bias: false");
    }
}
