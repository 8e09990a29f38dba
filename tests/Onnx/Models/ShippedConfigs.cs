using System.Globalization;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Onnx.Export;
using static TorchSharp.torch;

namespace Tessera.Tests.Onnx.Models;

/// <summary>The parity of a shipped config's model, with random weights: <c>dotnet Tessera.Onnx.Tests.dll parity [PART_OF_NAME]</c> prints the
/// table over all.</summary>
internal static class ShippedConfigs
{
    private const int Side = 256;

    public static string Folder { get; } = Find();

    public static IEnumerable<string> All() =>
        Directory
            .EnumerateFiles(Folder, "*.json", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/'))
            .Where(path => path.Contains('/', StringComparison.Ordinal) && !path.StartsWith("_base_/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    /// <summary>The largest relative difference with 1 and 3 images; or why there is no file.</summary>
    public static (double? Difference, string Text) Parity(string config, string file)
    {
        try
        {
            using var session = Session.Open(
                ConfigDocument.Load(Path.Combine(Folder, config), ["data_root=none"], environment: _ => null),
                new SessionOptions { Device = "cpu" }
            );
            random.manual_seed(0);
            using var model = Model(session);
            if (model is not IExplainable explained)
                return (null, "gives no outputs (IExplainable)");
            model.eval();
            var (height, width) = Size(session);
            var names = Exported.Write(file, model, explained.Outputs, [1, 3, height, width], OpenSides.Batch);
            var worst = 0.0;
            foreach (var count in new[] { 1L, 3L })
            {
                using var images = randn(count, 3, height, width);
                worst = Math.Max(worst, Exported.Difference(file, names, explained.Outputs, images));
            }
            return (worst, string.Create(CultureInfo.InvariantCulture, $"{height} x {width}  {worst:0.0e+0}"));
        }
        catch (UserErrorException e)
        {
            return (null, e.Message.Split('\n')[0]);
        }
    }

    /// <summary>Prints a line for each config.</summary>
    public static void Print(string part)
    {
        var file = Path.GetTempFileName();
        foreach (var config in All().Where(name => name.Contains(part, StringComparison.Ordinal)))
            Console.WriteLine($"| `{config}` | {Parity(config, file).Text} |");
        File.Delete(file);
    }

    // The data may not be here: then classes are made up, of the task that the model takes.
    private static VisionModel Model(Session session)
    {
        try
        {
            return session.CreateModel(session.Data[session.Data.FirstPart].Info);
        }
        catch (UserErrorException first)
        {
            foreach (var task in Enum.GetValues<DataTask>())
            foreach (var count in (int[])[20, 11, 80])
                try
                {
                    return session.CreateModel(new DataInfo([.. Enumerable.Range(0, count).Select(i => $"class{i}")], task));
                }
                catch (UserErrorException)
                {
                    // another task
                }
            throw new InvalidOperationException(first.Message, first);
        }
    }

    private static (int Height, int Width) Size(Session session)
    {
        try
        {
            return InputSize.Of(session);
        }
        catch (UserErrorException)
        {
            return (Side, Side);
        }
    }

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "configs", "schema.json")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("This is not within the repository.");
        return Path.Combine(folder, "configs");
    }
}
