using MyProject;
using Tessera;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Torch.Loading;

// dotnet run --project src/MyProject -- CHECKPOINT IMAGE…
if (args.Length < 2)
{
    Console.Error.WriteLine("Usage: dotnet run --project src/MyProject -- CHECKPOINT IMAGE…");
    return 1;
}

try
{
    // A checkpoint never brings code: the program names the plugin that has SmallNet, which is this program itself.
    var options = new PredictorOptions { Plugins = [typeof(SmallNet).Assembly.Location] };
    using var predictor = Predictor.Load(args[0], options);
    foreach (var image in args[1..])
    {
        var best = predictor.Classify(image).Best;
        Console.WriteLine($"{image}: {best.Name} ({best.Score:0.000})");
    }
    return 0;
}
catch (Exception mistake) when (mistake is UserErrorException or LibTorchException)
{
    Console.Error.WriteLine(mistake.Message);
    return 1;
}
