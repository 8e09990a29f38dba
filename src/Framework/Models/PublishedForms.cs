using System.Globalization;

namespace Tessera.Framework.Models;

/// <summary>
/// How a tensor is changed when it is published in another project's form. The forms travel in checkpoints as text, so that
/// publishing needs neither model nor plugin.
/// </summary>
public static class PublishedForms
{
    /// <summary>The columns of Swin's merging of patches, token by token, as MMLab has them: channel by channel.</summary>
    public const string MergedPatches = "merged_patches";

    /// <summary>The weight of a 1x1 convolution, [out, in, 1, 1], as that of a linear layer, [out, in].</summary>
    public const string Linear = "linear";

    private const string LessWord = "less ";
    private const string OnesWord = "ones ";

    /// <summary>Another tensor of the model is taken away: a bias from the mean of the batch norm behind it.</summary>
    /// <param name="key">The model's name of that tensor.</param>
    public static string Less(string key) => LessWord + key;

    /// <summary>Further dimensions of size 1: a linear layer's weight as a convolution's, a vector as a map's channels.</summary>
    /// <param name="before">How many before the tensor's own.</param>
    /// <param name="after">How many after them.</param>
    public static string Ones(int before, int after) => string.Create(CultureInfo.InvariantCulture, $"{OnesWord}{before} {after}");

    /// <summary>The numbers of <see cref="Ones"/>; null for another form.</summary>
    internal static (int Before, int After)? OnesOf(string form) =>
        form.Split(' ') is [var word, var before, var after]
        && word + " " == OnesWord
        && int.TryParse(before, CultureInfo.InvariantCulture, out var first)
        && int.TryParse(after, CultureInfo.InvariantCulture, out var last)
        && first is >= 0 and <= 8
        && last is >= 0 and <= 8
            ? (first, last)
            : null;

    /// <summary>A part's form in the whole.</summary>
    internal static string? Below(string? form, string prefix) =>
        form is not null && form.StartsWith(LessWord, StringComparison.Ordinal) ? Less(prefix + form[LessWord.Length..]) : form;

    /// <summary>The tensor that <see cref="Less"/> names; null for another form.</summary>
    internal static string? TakenAway(string form) => form.StartsWith(LessWord, StringComparison.Ordinal) ? form[LessWord.Length..] : null;
}
