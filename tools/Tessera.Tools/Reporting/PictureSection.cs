using System.Globalization;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Pictures;
using Tessera.Predictions;
using Tessera.Tools.Output;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>The images that are predicted worst and best, with predictions and truth.</summary>
internal static class PictureSection
{
    private const int Longest = 900;

    private static readonly LoadImage s_load = new(new LoadImageOptions());

    /// <summary>The lowest first; images without a score are left out.</summary>
    public static MeasuredImage[] Ordered(MeasuredRun run) =>
        [.. run.Images.Where(image => double.IsFinite(image.Score)).OrderBy(image => image.Score).ThenBy(image => image.Image.Index)];

    /// <exception cref="UserErrorException">The data can't be read here, or has changed.</exception>
    public static Html Of(ReportedRun run, MeasuredRun measured, int count, double leastScore, PictureBudget budget)
    {
        var ordered = Ordered(measured);
        if (ordered.Length == 0)
            return Html.Of($"<p>No image has a {measured.Score.Name}.</p>");
        var each = Math.Min(count, ordered.Length / 2 + (ordered.Length % 2));
        var worst = ordered[..each];
        var best = ordered[Math.Max(each, ordered.Length - each)..].Reverse();
        return Html.Of(
            $"""
            <p class="soft">By the {measured.Score.Name}. A click enlarges a picture.</p>
            <h3>Worst</h3>
            {Row(worst.Select(image => Figure(run, measured, image, leastScore, budget)), measured.Data)}
            <h3>Best</h3>
            {Row(best.Select(image => Figure(run, measured, image, leastScore, budget)), measured.Data)}
            """
        );
    }

    public static Html Row(IEnumerable<Html> figures, DataInfo data) =>
        Html.Of($"<div class=\"pictures\" style=\"--pic:{Width(data)}\">{figures}</div>");

    public static Html Figure(ReportedRun run, MeasuredRun measured, MeasuredImage image, double leastScore, PictureBudget budget) =>
        Figure(
            image.Image.Image,
            string.Create(CultureInfo.InvariantCulture, $"{image.Score:0.000}"),
            image.Words,
            Draw(run, measured, image, leastScore),
            budget
        );

    public static Html Figure(string name, string score, string words, Image picture, PictureBudget budget) =>
        Figure(name, budget.Show(picture, $"{name}: {words}", Longest), Html.Of($"<b>{score}</b> {words}<br>{name}"));

    /// <summary>A picture that a click enlarges.</summary>
    public static Html Figure(string name, Html picture, Html caption) =>
        Html.Of(
            $"<figure><button type=\"button\" aria-label=\"Enlarge {name}\">{picture}</button><figcaption>{caption}</figcaption></figure>"
        );

    /// <summary>The image with prediction and truth.</summary>
    /// <exception cref="UserErrorException">The data can't be read here, or has changed.</exception>
    public static Image Draw(ReportedRun run, MeasuredRun measured, MeasuredImage image, double leastScore)
    {
        var session = run.Session ?? throw new UserErrorException(run.NoSession!);
        var dataset = session.Data[DataParts.Named(measured.File.Header.Part)];
        var index = image.Image.Index;
        if (index < 0 || index >= dataset.Count)
            throw Changed(image.Image.Image);
        var original = dataset.Get((int)index);
        var name = ImageNaming.Relative(original.Name, session.Options.DataRoot);
        if (image.Image.Image != name && !image.Image.Image.StartsWith(name + "#", StringComparison.Ordinal))
            throw Changed(image.Image.Image);
        var pixels = s_load.Apply(original, new RandomSource(0)).Image!.Decode();
        using var drawing = PredictionDrawing.Draw(pixels, image.Image.Load(), measured.Data, image.Sample, leastScore);
        return drawing.ToImage();
    }

    private static UserErrorException Changed(string image) =>
        new($"The data is another one than the run was evaluated on: {image} is not where it was.");

    // Pictures of maps are three side by side, those of boxes two.
    private static string Width(DataInfo data) =>
        data.Task switch
        {
            DataTask.Segmentation or DataTask.Panoptic => "24rem",
            DataTask.Detection => "18rem",
            _ => "14rem",
        };
}
