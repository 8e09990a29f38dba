using System.CommandLine;
using System.Globalization;
using Tessera.Features;
using Tessera.Framework.Errors;
using Tessera.Framework.Processes;
using Tessera.Tools.Output;
using Tessera.Tools.PseudoLabels;
using Tessera.Tools.Transfer;
using static TorchSharp.torch;

namespace Tessera.Tools.Commands;

/// <summary>Says how well features tell classes apart without any training: by their nearest neighbours.</summary>
internal static class KnnCommand
{
    public static Command Create()
    {
        var train = new Argument<string>("TRAIN") { Description = "Features whose classes vote, of tools/extract-features." };
        var val = new Argument<string>("VAL") { Description = "Features whose classes are asked for." };
        var counts = CommandLine.Option<string>(
            "--k",
            "NUMBERS",
            "10,20,100,200",
            "How many neighbours vote, with commas between them. Default: 10,20,100,200."
        );
        var temperature = CommandLine.Option<double>("--temperature", "T", 0.07, "A vote is exp(cosine / temperature). Default: 0.07.");
        var output = CommandLine.Option<string?>("--out", "metrics.json", "Write what was measured there, as JSON.");
        var device = CommandLine.Device();
        var command = new Command("knn", "Classifies features by their nearest neighbours; nothing is trained.")
        {
            train,
            val,
            counts,
            temperature,
            output,
            device,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(train),
                parsed.GetRequiredValue(val),
                Counts(parsed.GetRequiredValue(counts)),
                parsed.GetValue(temperature),
                parsed.GetValue(output),
                parsed.GetValue(device)
            )
        );
        return command;
    }

    private static int[] Counts(string text)
    {
        var numbers = NumberList.Parse("--k", text, 1, int.MaxValue);
        return numbers.All(double.IsInteger)
            ? Array.ConvertAll(numbers, number => (int)number)
            : throw new UserErrorException($"--k is \"{text}\"; whole numbers were expected.");
    }

    private static int Run(string train, string val, int[] counts, double temperature, string? output, string? device)
    {
        if (!(temperature > 0 && double.IsFinite(temperature)))
            throw new UserErrorException(
                string.Create(CultureInfo.InvariantCulture, $"--temperature is {temperature}; a number above 0 was expected.")
            );
        using var sets = new ProbeSets(train, DeviceChoice.Resolve(device ?? "auto"));
        var asked = sets.Open(val);
        using var scope = NewDisposeScope();
        var votes = NearestNeighbors.Vote(sets.Train, asked, counts, temperature, new Advance("comparing").Report);
        var scores = votes.Select(vote => asked.Score(vote.to(asked.Features.device))).ToArray();
        ToolConsole.Current.Table(
            ["k", asked.Measure],
            counts.Select(
                (k, i) => new[] { k.ToString(CultureInfo.InvariantCulture), scores[i].ToString("0.0000", CultureInfo.InvariantCulture) }
            )
        );
        if (output is not null)
            MetricFiles.Write(output, counts.Zip(scores).ToDictionary(pair => $"knn/{pair.First}", pair => pair.Second));
        return 0;
    }
}
