using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;
using Tessera.Tools.Pages;
using Tessera.Tools.Statistics;

namespace Tessera.Tools.Reporting;

/// <summary>What the data holds: how often each class occurs in each part, sizes, what can't be read.</summary>
internal static class DataSection
{
    /// <exception cref="UserErrorException">The data can't be read here.</exception>
    public static Html Of(Session session, string id)
    {
        var parts = new List<PartStatistics>();
        foreach (var part in DataParts.Of(session))
        {
            var (name, dataset) = (SessionData.NameOf(part), session.Data[part]);
            parts.Add(
                new PartStatistics(
                    name,
                    dataset.Info,
                    dataset.LeftOut,
                    Survey.Run(dataset, fingerprints: false, new Advance($"reading {name}").Report)
                )
            );
        }
        var facts = Html.Of($"<dl class=\"facts\">{parts.Select(Facts)}</dl>");
        return parts[0].Info.Task == DataTask.Regression ? facts : Html.Join([facts, Classes(parts, id)]);
    }

    private static Html Facts(PartStatistics part) => Html.Of($"<dt>{part.Name}</dt><dd>{string.Join("; ", Words(part))}</dd>");

    private static IEnumerable<string> Words(PartStatistics part)
    {
        yield return Counted.Of(part.Samples.Count, "image");
        var sizes = part.Readable.GroupBy(sample => (sample.Height, sample.Width)).OrderByDescending(size => size.Count()).ToArray();
        if (sizes.Length == 1)
            yield return Text($"all of {sizes[0].Key.Width} x {sizes[0].Key.Height} pixels");
        else if (sizes.Length > 1)
        {
            var (widths, heights) = (part.Readable.Select(sample => sample.Width), part.Readable.Select(sample => sample.Height));
            yield return Text($"{sizes.Length:#,0} sizes");
            yield return Text($"{widths.Min()} to {widths.Max()} pixels wide, {heights.Min()} to {heights.Max()} high");
        }
        if (part.Samples.Count - part.Readable.Count is > 0 and var unreadable)
            yield return Text($"{unreadable:#,0} can't be read");
        if (part.Boxes is { } boxes)
        {
            var (small, medium, large) = (boxes.BySize[0], boxes.BySize[1], boxes.BySize[2]);
            yield return Text($"{boxes.Count:#,0} boxes: {small:#,0} small, {medium:#,0} medium, {large:#,0} large");
            yield return Text($"{boxes.PerImage.Count(count => count == 0):#,0} images without boxes");
        }
        if (part.Info.Task == DataTask.Segmentation && part.IgnoredPixels > 0)
            yield return Text($"{100.0 * part.IgnoredPixels / (part.IgnoredPixels + part.Pixels.Sum()):0.#} % of the pixels are ignored");
        if (double.IsFinite(part.Ratio))
            yield return Text($"the commonest class occurs {part.Ratio:0.#} times as often as the rarest");
    }

    private static Html Classes(List<PartStatistics> parts, string id)
    {
        var what = parts[0].Info.Task switch
        {
            DataTask.Segmentation => "pixels",
            DataTask.Detection => "boxes",
            _ => "images",
        };
        return PageTable.Of(
            id,
            $"How often each class occurs, in {what}.",
            [new("class", false, true), .. parts.Select(part => new PageColumn(part.Name))],
            [
                .. parts[0]
                    .Info.Classes.Select(
                        (name, c) =>
                            (IReadOnlyList<PageCell>)
                                [
                                    PageCell.Of(name),
                                    .. parts.Select(part =>
                                        PageCell.Bar(part.Counts[c], (double)part.Counts[c] / Math.Max(1, part.Counts.Max()))
                                    ),
                                ]
                    ),
            ]
        );
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
