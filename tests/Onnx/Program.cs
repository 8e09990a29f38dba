using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Onnx;
using Tessera.Tests.Onnx.Predicting;

namespace Tessera.Tests.Onnx;

/// <summary>The tests' own assembly as a program: <c>predict MODEL IMAGE</c> tells the best class and which files of libtorch are
/// loaded; <c>parity [PART_OF_NAME]</c> prints the differences from libtorch of the shipped configs' models.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is ["parity", ..])
        {
            Models.ShippedConfigs.Print(arguments.ElementAtOrDefault(1) ?? "");
            return 0;
        }
        if (arguments is not ["predict", var model, var image])
            return 2;
        try
        {
            using var predictor = OnnxPredictor.Load(model);
            var best = predictor.Classify(image).Best;
            using var process = Process.GetCurrentProcess();
            var native = process.Modules.Cast<ProcessModule>().Select(module => Path.GetFileName(module.FileName));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{best.Name} {best.Score:0.0000}, of libtorch: {string.Join(", ", native.Where(WithoutLibTorchTests.IsOfLibTorch))}"
                )
            );
            return 0;
        }
        catch (UserErrorException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
