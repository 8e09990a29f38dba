using System.Globalization;
using Tessera.Datasets.Images.Resampling;
using Tessera.Explaining;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Visualization;
using Tessera.Pictures;
using Tessera.Tools.Output;

namespace Tessera.Tools.Attention;

/// <summary>Draws where a network looks: the photograph, all blocks together, the foreground, and below the map of each block.</summary>
internal sealed class AttentionSheet
{
    private const double Gap = 10,
        Line = 17,
        TitleSize = 13,
        TextSize = 11,
        ScaleRoom = 66,
        GridRoom = 48;
    private const int Large = 336,
        Small = 150,
        SmallestHead = 56,
        HeadsAcross = 2400;

    private static readonly Rgb s_ink = new(40, 40, 40),
        s_edge = Rgb.FromValue(0xffe14d);

    private readonly AttentionView _view;
    private readonly DataInfo _data;

    public AttentionSheet(AttentionView view, DataInfo data) => (_view, _data) = (view, data);

    /// <param name="titles">What stands over the photograph, the synthesis and the foreground: a bold line and one below.</param>
    /// <returns>The caller's to dispose.</returns>
    public Drawing Draw(
        (string Bold, string Plain) photograph,
        (string Bold, string Plain) synthesis,
        (string Bold, string Plain) foreground
    )
    {
        var (height, width) = SizeOf(Large);
        var shown = Resampler.Resize(_view.Photograph, height, width, Kind(height));
        var (cellHeight, cellWidth) = SizeOf(Small);
        var panels = _view.Foreground is null ? 2 : 3;
        var total = Math.Max((panels * (width + Gap)) + Gap + ScaleRoom, (6 * (cellWidth + Gap)) + Gap);
        var across = Math.Max(1, (int)((total - Gap) / (cellWidth + Gap)));
        var rows = (_view.Blocks.Count + across - 1) / across;
        const double head = 2 * Line;
        var below = Gap + head + height + Gap;
        var drawing = Drawing.Pixels(total, below + (rows * (head + cellHeight + Gap)));

        Panel(drawing, Gap, Gap, width, photograph, WithBoxes(shown, named: true, focus: true));
        var second = (2 * Gap) + width;
        Synthesis(drawing, second, shown, synthesis);
        if (_view.Foreground is { } mask)
            Panel(drawing, second + width + ScaleRoom, Gap, width, foreground, WithBoxes(Cut(shown, mask), named: false, focus: true));

        for (var i = 0; i < _view.Blocks.Count; i++)
        {
            var block = _view.Blocks[i];
            var mean = Mean(block.Maps);
            Panel(
                drawing,
                Gap + (i % across * (cellWidth + Gap)),
                below + (i / across * (head + cellHeight + Gap)),
                cellWidth,
                (
                    $"block {block.Index}, {Counted.Of(block.Heads, "head")}",
                    mean.IsConstant
                        ? AttentionWords.Nowhere(mean)
                        : $"{block.Grid.Height} x {block.Grid.Width}, {FitEnd(drawing, ShortName(block.Name), cellWidth - GridRoom)}"
                ),
                Cell(mean, cellHeight, cellWidth)
            );
        }
        return drawing;
    }

    private void Synthesis(Drawing drawing, double x, Image shown, (string Bold, string Plain) title)
    {
        var (least, greatest) = (_view.Synthesis.Least, _view.Synthesis.Greatest);
        var picture = shown;
        if (_view.Synthesis.IsConstant)
        {
            title.Plain = AttentionWords.Nowhere(_view.Synthesis);
        }
        else
        {
            picture = Heat.Over(shown, _view.OnPhotograph(_view.Synthesis, shown.Height, shown.Width).Values, least, greatest);
            Heat.Scale(drawing, x + shown.Width + 6, Gap + (2 * Line) + 4, 12, shown.Height - 8, least, greatest);
        }
        Panel(drawing, x, Gap, shown.Width, title, WithBoxes(picture, named: false, focus: true));
    }

    /// <summary>Every head of every block: a row for each block.</summary>
    /// <returns>The caller's to dispose.</returns>
    public Drawing DrawHeads()
    {
        var most = _view.Blocks.Max(block => block.Maps.Count);
        var (height, width) = SizeOf(Math.Clamp(HeadsAcross / most, SmallestHead, Small));
        const double name = 130;
        var drawing = Drawing.Pixels(name + (most * (width + 4)) + (2 * Gap), Line + (_view.Blocks.Count * (height + 4)) + (2 * Gap));
        for (var head = 0; head < most; head++)
            drawing.Text($"head {head}", name + (head * (width + 4)), Gap + (Line / 2), TextSize, s_ink, across: TextAlign.Middle);
        for (var row = 0; row < _view.Blocks.Count; row++)
        {
            var (block, top) = (_view.Blocks[row], Gap + Line + (row * (height + 4)));
            drawing.Text($"block {block.Index}", Gap, top + (Line / 2), TitleSize, s_ink, across: TextAlign.Middle, bold: true);
            drawing.Text(
                FitEnd(drawing, ShortName(block.Name), name - (2 * Gap)),
                Gap,
                top + (1.5 * Line),
                TextSize,
                s_ink,
                across: TextAlign.Middle
            );
            for (var head = 0; head < block.Maps.Count; head++)
                drawing.Draw(Cell(block.Maps[head], height, width), name + (head * (width + 4)), top, width, height);
        }
        return drawing;
    }

    private static RelevanceMap Mean(IReadOnlyList<RelevanceMap> maps) =>
        maps.Count == 1 ? maps[0] : maps[0] with { Values = [.. maps[0].Values.Select((_, i) => maps.Average(map => map.Values[i]))] };

    private static void Panel(Drawing drawing, double x, double y, double width, (string Bold, string Plain) title, Image picture)
    {
        drawing.Text(
            drawing.Fit(title.Bold, width, TextSize + 1, bold: true),
            x,
            y + (Line / 2),
            TextSize + 1,
            s_ink,
            across: TextAlign.Middle,
            bold: true
        );
        drawing.Text(drawing.Fit(title.Plain, width, TextSize), x, y + (1.5 * Line) - 2, TextSize, s_ink, across: TextAlign.Middle);
        drawing.Draw(picture, x, y + (2 * Line), picture.Width, picture.Height);
    }

    private Image Cell(RelevanceMap map, int height, int width)
    {
        var shown = Resampler.Resize(_view.Photograph, height, width, Kind(height));
        if (map.IsConstant)
            return WithBoxes(shown, named: false);
        var values = _view.OnPhotograph(map, height, width).Values;
        return WithBoxes(Heat.Over(shown, values, map.Least, map.Greatest), named: false);
    }

    // What is background is dark, and the edge between both is drawn.
    private Image Cut(Image shown, bool[] mask)
    {
        var (height, width) = (_view.Photograph.Height, _view.Photograph.Width);
        bool At(int y, int x) => mask[(y * height / shown.Height * width) + (x * width / shown.Width)];
        var picture = shown.Clone();
        for (var y = 0; y < shown.Height; y++)
        for (var x = 0; x < shown.Width; x++)
        {
            var (inside, i) = (At(y, x), 3 * ((y * shown.Width) + x));
            var edge =
                inside
                && (
                    y < 2
                    || x < 2
                    || y >= shown.Height - 2
                    || x >= shown.Width - 2
                    || !At(y - 2, x)
                    || !At(y + 2, x)
                    || !At(y, x - 2)
                    || !At(y, x + 2)
                );
            var under = new Rgb(picture.Bytes[i], picture.Bytes[i + 1], picture.Bytes[i + 2]);
            var color =
                edge ? s_edge
                : inside ? under
                : under.Towards(Rgb.Black, 0.65);
            (picture.Bytes[i], picture.Bytes[i + 1], picture.Bytes[i + 2]) = (color.Red, color.Green, color.Blue);
        }
        return picture;
    }

    // Boxes of a detector, and around what relevance is for.
    private Image WithBoxes(Image picture, bool named, bool focus = false)
    {
        var found = _view.Prediction as DetectionPrediction ?? new DetectionPrediction([], [], []);
        var around = focus ? _view.Focus : null;
        if (found.Scores.Length == 0 && around is null)
            return picture;
        using var drawing = Drawing.On(picture);
        var colors = ClassColors.Of(_data);
        var count = found.Scores.Count(score => score >= PredictionDrawing.UsualScore); // they fall
        var (right, down) = ((float)picture.Width / _view.Photograph.Width, (float)picture.Height / _view.Photograph.Height);
        float[] corners = [.. found.Corners[..(4 * count)].Select((corner, i) => corner * (i % 2 == 0 ? right : down))];
        if (named)
            Overlays.Boxes(drawing, corners, found.Labels[..count], _data.Classes, colors, found.Scores[..count]);
        for (var i = 0; i < count && !named; i++)
            drawing.Outline(
                corners[4 * i],
                corners[(4 * i) + 1],
                corners[(4 * i) + 2] - corners[4 * i],
                corners[(4 * i) + 3] - corners[(4 * i) + 1],
                colors[found.Labels[i]],
                1.5
            );
        if (around is [var x1, var y1, var x2, var y2])
        {
            drawing.Outline(x1 * right, y1 * down, (x2 - x1) * right, (y2 - y1) * down, Rgb.Black, 5);
            drawing.Outline(x1 * right, y1 * down, (x2 - x1) * right, (y2 - y1) * down, s_edge, 2.5);
        }
        return drawing.ToImage();
    }

    private (int Height, int Width) SizeOf(int longest)
    {
        var scale = (double)longest / Math.Max(_view.Photograph.Height, _view.Photograph.Width);
        return (
            Math.Max(1, (int)Math.Round(_view.Photograph.Height * scale)),
            Math.Max(1, (int)Math.Round(_view.Photograph.Width * scale))
        );
    }

    private Interpolation Kind(int height) => height > 2 * _view.Photograph.Height ? Interpolation.Nearest : Interpolation.Bilinear;

    // Blocks differ in the end of their names.
    private static string FitEnd(Drawing drawing, string name, double width)
    {
        for (var cut = 0; cut < name.Length; cut++)
        {
            var shown = cut == 0 ? name : "…" + name[cut..];
            if (drawing.Measure(shown, TextSize).Width <= width)
                return shown;
        }
        return "…";
    }

    /// <summary>"backbone.blocks.3.attn" as "blocks.3".</summary>
    private static string ShortName(string name)
    {
        var own = name.StartsWith("backbone.", StringComparison.Ordinal) ? name["backbone.".Length..] : name;
        return own.EndsWith(".attn", StringComparison.Ordinal) ? own[..^".attn".Length] : own;
    }

    /// <summary>A share as people read it.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");
}
