using System.CommandLine;
using System.Globalization;
using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Models.Detection;
using Tessera.Tools.Output;

namespace Tessera.Tools.Fusion;

/// <summary>The options of tools/fuse-results that say how boxes become one.</summary>
internal sealed class FusionArguments
{
    private readonly Option<string> _method = CommandLine.Option<string>(
        "--method",
        "METHOD",
        "wbf",
        "wbf (boxes on one object become their mean), nms (the best stays), soft_nms (those it overlaps score less), nmw (the "
            + "best's score, a mean box). Default: wbf."
    );
    private readonly Option<double> _iou = CommandLine.Option<double>(
        "--iou",
        "IOU",
        0.55,
        "Boxes that overlap more than this are of one object. Default: 0.55."
    );
    private readonly Option<double> _least = CommandLine.Option<double>(
        "--least-score",
        "SCORE",
        0.001,
        "Boxes that score less are left out. Default: 0.001."
    );
    private readonly Option<string?> _weights = CommandLine.Option<string?>(
        "--model-weights",
        "NUMBERS",
        "How much each of RESULTS counts: 2,1. Default: all alike."
    );
    private readonly Option<string> _score = CommandLine.Option<string>(
        "--score",
        "RULE",
        "average",
        "wbf: average, largest, box_and_model_average or absent_model_aware_average. Default: average, less where few models have "
            + "the box."
    );

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_method, _iou, _least, _weights, _score])
            command.Add(option);
    }

    /// <exception cref="UserErrorException">A method or a rule that there isn't.</exception>
    public ResultFusionOptions Options(ParseResult parsed) =>
        new(
            Named<FusionMethod>("--method", parsed.GetRequiredValue(_method)),
            parsed.GetValue(_iou),
            parsed.GetValue(_least),
            Named<FusedScore>("--score", parsed.GetRequiredValue(_score))
        );

    /// <summary>As given; null: all alike.</summary>
    public string? WeightText(ParseResult parsed) => parsed.GetValue(_weights);

    /// <exception cref="UserErrorException">Fewer than two results, or a number out of its range.</exception>
    public static void Require(string[] results, ResultFusionOptions options)
    {
        if (results.Length < 2)
            throw new UserErrorException($"{results.Length} results are given; two or more were expected.");
        if (options.Iou is not (>= 0 and <= 1))
            throw new UserErrorException($"--iou is {options.Iou}; a number from 0 to 1 was expected.");
        if (options.LeastScore is not (>= 0 and <= 1))
            throw new UserErrorException($"--least-score is {options.LeastScore}; a number from 0 to 1 was expected.");
        if (options is { Method: not FusionMethod.Wbf, Score: not FusedScore.Average })
            throw new UserErrorException("--score is for --method wbf; the other methods keep scores, or lower them.");
    }

    /// <summary>A weight for each of the results.</summary>
    /// <exception cref="UserErrorException">They are not as many, or no weights.</exception>
    public static double[] Weights(string? text, int count)
    {
        if (text is null)
            return [.. Enumerable.Repeat(1.0, count)];
        var parts = text.Split(',');
        double[] weights =
        [
            .. parts.Select(part =>
                double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight)
                && weight >= 0
                && double.IsFinite(weight)
                    ? weight
                    : double.NaN
            ),
        ];
        return weights.Length == count && weights.All(double.IsFinite) && weights.Any(weight => weight > 0)
            ? weights
            : throw new UserErrorException(
                $"--model-weights is \"{text}\"; {count} numbers with commas between them were expected, none negative and not all 0."
            );
    }

    /// <summary>A value of several words, as configs write it.</summary>
    private static T Named<T>(string option, string word)
        where T : struct, Enum
    {
        var known = Enum.GetValues<T>().ToDictionary(value => ConfigKey.NameOf(value.ToString()));
        return known.TryGetValue(word, out var found)
            ? found
            : throw new UserErrorException(
                $"{option} is \"{word}\".{NearestName.Suggest(word, known.Keys)} There are {string.Join(", ", known.Keys)}."
            );
    }
}
