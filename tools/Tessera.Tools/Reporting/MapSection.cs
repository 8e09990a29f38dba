using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Framework.Errors;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>The activation maps that ActivationMapHook drew while the model learned.</summary>
internal static class MapSection
{
    private const int Longest = 1400;

    /// <summary>Pictures at most: the first, some between, the last.</summary>
    public const int Most = 3;

    /// <summary>The sheets of a work dir, the earliest first.</summary>
    public static string[] Files(string workDir)
    {
        var folder = Path.Combine(workDir, "maps");
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "epoch_*.png").Where(file => EpochOf(file) is not null).OrderBy(file => EpochOf(file))]
            : [];
    }

    /// <returns>Empty where there are none.</returns>
    public static Html Of(string workDir, PictureBudget budget)
    {
        var files = Files(workDir);
        if (files.Length == 0)
            return Html.Empty;
        var chosen = Enumerable
            .Range(0, Math.Min(Most, files.Length))
            .Select(i => files[files.Length == 1 ? 0 : i * (files.Length - 1) / (Math.Min(Most, files.Length) - 1)]);
        return Html.Of(
            $"""
            <p class="soft">Which places speak for what the model makes of an image, as it learned: the same images after
            several epochs.</p>
            <div class="pictures tall" style="--pic:18rem">{chosen.Select(file => Figure(file, budget))}</div>
            """
        );
    }

    private static Html Figure(string file, PictureBudget budget)
    {
        var words = string.Create(CultureInfo.InvariantCulture, $"After epoch {EpochOf(file)}");
        try
        {
            var picture = budget.Show(ImageCodec.Load(file), $"Activation maps. {words}", Longest);
            return PictureSection.Figure($"the maps {words}", picture, Html.Of($"{words}"));
        }
        catch (UserErrorException error)
        {
            return Html.Of($"<p class=\"note\">{error.Message}</p>");
        }
    }

    private static int? EpochOf(string file) =>
        int.TryParse(
            Path.GetFileNameWithoutExtension(file).AsSpan("epoch_".Length),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var epoch
        )
            ? epoch
            : null;
}
