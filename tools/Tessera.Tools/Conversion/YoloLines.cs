using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Reads lines of YOLO's label files, and judges them together.</summary>
/// <param name="outlines">Numbers behind the class are an outline's points even where they could be a box with key points.</param>
internal sealed class YoloLines(Findings findings, bool outlines)
{
    private const double Slack = 0.02; // what tools round, and cut outlines leave

    private readonly List<string> _ambiguous = [];
    private readonly List<CenteredBox> _boxes = [];
    private long _outlines,
        _outlinesBeyond,
        _keyPoints,
        _scores,
        _certain,
        _ofFirst,
        _oneTooHigh;
    private string _firstBeyond = "",
        _firstTooHigh = "";
    private double _mostBeyond;

    /// <summary>Its values and its corners as fractions; null where it can't be used, which is told.</summary>
    /// <param name="what">File and line.</param>
    public (double[] Values, (double X1, double Y1, double X2, double Y2) Box, bool IsOutline)? Read(
        string[] words,
        YoloNames about,
        string what
    )
    {
        var values = Array.ConvertAll(words, LooseImages.Number);
        if (values.Length < 5)
        {
            var commas = words.Any(word => word.Contains(',', StringComparison.Ordinal))
                ? " Values are separated by blanks, not by commas."
                : "";
            findings.Add(FindingKind.BadBox, $"{what}  \"class x y width height\" was expected.{commas}");
            return null;
        }
        if (!(values[0] >= 0 && values[0] < about.Classes.Count && values[0] == Math.Floor(values[0])))
        {
            if (values[0] == about.Classes.Count && _oneTooHigh++ == 0)
                _firstTooHigh = what;
            findings.Add(FindingKind.UnknownClass, $"{what}  class {words[0]}; there are {about.Classes.Count}, from 0.");
            return null;
        }
        _ofFirst += values[0] == 0 ? 1 : 0;
        if (Array.FindIndex(values, value => !double.IsFinite(value)) is >= 0 and var odd)
        {
            findings.Add(FindingKind.BadBox, $"{what}  value {odd + 1} is {NumberText.Wrong(words[odd])}");
            return null;
        }
        return Box(values, about, what, out var isOutline) is { } box ? (values, box, isOutline) : null;
    }

    /// <summary>Refuses what all lines together show to be written in another way.</summary>
    public void Judge(string location)
    {
        if (_ambiguous.Count > 0 && _certain == 0)
            findings.Require(
                $"{_ambiguous[0]}  a box with key points of two values, or an outline? Nothing in the labels tells. Write \"kpt_shape: "
                    + $"[number of points, 2]\" into data.yaml, or give --outlines."
            );
        if (_oneTooHigh > 0 && _ofFirst == 0)
            throw new UserErrorException(
                $"{location}: no line has class 0, and {Counted.Of(_oneTooHigh, "line")} the number of classes itself (the first: "
                    + $"{_firstTooHigh}): the labels seem to count from 1, where YOLO counts from 0. Take 1 off each; or, if they are "
                    + "right, name the class that the names lack."
            );
        if (CenteredBoxJudgement.Fault(_boxes) is { } fault)
            throw new UserErrorException($"{location}: {fault}");
        if (_outlines == 0 || _outlinesBeyond < _outlines)
            return;
        var unit = _mostBeyond <= 100 ? "in percent, or in pixels" : "in pixels";
        throw new UserErrorException(
            $"{location}: {(_outlines == 1 ? "the only outline has" : $"all {Counted.Of(_outlines, "outline")} have")} values above 1, so "
                + $"that {(_outlines == 1 ? "it is" : "they are")} written {unit}; \"class x1 y1 x2 y2 …\" in fractions of the image's "
                + $"sides is expected. The first is {_firstBeyond}. Divide every x by the image's width, every y by its height"
                + $"{(unit == "in pixels" ? "" : ", or all by 100")}."
        );
    }

    /// <summary>Tells how lines were understood.</summary>
    public void Tell()
    {
        if (_outlines > 0)
            findings.Note(
                $"{Counted.Of(_outlines, "line")} {(_outlines == 1 ? "is an outline: a mask" : "are outlines: masks")}, with the box "
                    + "around each."
            );
        if (_keyPoints > 0)
            findings.Note($"{Having(_keyPoints)} key points behind the box; the boxes are taken, the points are not.");
        if (_scores > 0)
            findings.Note($"{Having(_scores)} a value behind the box, as scores of predictions; the boxes are taken, the scores are not.");

        static string Having(long count) => $"{Counted.Of(count, "line")} {(count == 1 ? "has" : "have")}";
    }

    /// <summary>The corners as fractions; null where the line has too few or too many values.</summary>
    /// <param name="outlined">The line is an outline's points.</param>
    private (double X1, double Y1, double X2, double Y2)? Box(double[] values, YoloNames about, string what, out bool outlined)
    {
        outlined = false;
        var box = (values[1] - values[3] / 2, values[2] - values[4] / 2, values[1] + values[3] / 2, values[2] + values[4] / 2);
        if (values.Length <= 6) // a sixth value is a score
        {
            _boxes.Add(new CenteredBox(values[1], values[2], values[3], values[4], what));
            _scores += values.Length - 5;
            return box;
        }
        if (about.KeyPoints is var (count, each) && count > 0)
        {
            if (values.Length == 5 + count * each)
            {
                _keyPoints++;
                return box;
            }
            findings.Add(
                FindingKind.BadBox,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what}  {values.Length} values; a class, a box and {count} key points of {each} are {5 + count * each}."
                )
            );
            return null;
        }
        var isOutline = values.Length % 2 == 1;
        if (!outlines && Holds(values, 3))
        {
            _keyPoints++;
            return box;
        }
        if (!isOutline)
        {
            findings.Add(
                FindingKind.BadBox,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what}  {values.Length} values: neither a class and a box (5), nor an outline's points (an odd number), nor a "
                        + $"box and key points of x, y, visibility."
                )
            );
            return null;
        }
        if (!outlines && Holds(values, 2))
            _ambiguous.Add(what);
        else
            _certain++;
        _outlines++;
        var greatest = values[1..].Max();
        if (greatest > 1 + Slack && _outlinesBeyond++ == 0)
            _firstBeyond = what;
        _mostBeyond = Math.Max(_mostBeyond, greatest);
        outlined = true;
        return LooseImages.Outline(values[1..]);
    }

    /// <summary>The values can be a box and key points that lie in it.</summary>
    /// <param name="each">Values of a key point: x and y, or with a visibility of 0, 1 or 2.</param>
    private static bool Holds(double[] values, int each)
    {
        if ((values.Length - 5) % each != 0 || !(values[3] > 0 && values[4] > 0))
            return false;
        var (x, y, width, height) = (values[1], values[2], values[3] / 2 + Slack, values[4] / 2 + Slack);
        if (!(x - width >= -2 * Slack && y - height >= -2 * Slack && x + width <= 1 + 2 * Slack && y + height <= 1 + 2 * Slack))
            return false;
        for (var at = 5; at < values.Length; at += each)
        {
            if (each == 3 && values[at + 2] is not (0 or 1 or 2))
                return false;
            var hidden = each == 3 ? values[at + 2] == 0 : values[at] == 0 && values[at + 1] == 0;
            if (!hidden && !(Math.Abs(values[at] - x) <= width && Math.Abs(values[at + 1] - y) <= height))
                return false;
        }
        return true;
    }
}
