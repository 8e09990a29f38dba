using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Visualization.Charts;
using Tessera.Tools.Costs;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>What a config's model costs: parameters, multiply-adds, activations, memory.</summary>
internal static class GetFlopsCommand
{
    private const int MostLines = 400,
        MostDrawn = 90;

    public static Command Create()
    {
        var config = CommandLine.Config();
        var shape = new Option<int[]>("--shape")
        {
            Description = "Height and width of the image, or one number for both. Default: 224 224.",
            HelpName = "H W",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [224, 224],
        };
        var classes = CommandLine.Option<int?>(
            "--classes",
            "N",
            "How many classes, instead of asking the data set, whose files then needn't be there."
        );
        var depth = CommandLine.Option<int>("--depth", "N", 3, "How deep the table goes. Default: 3.");
        var picture = CommandLine.Option<string?>("--picture", "PATH", "Draw the tree of modules: .png or .svg.");
        var output = CommandLine.Option<string?>("--out", "flops.json", "Write every module's figures there as JSON.");
        var tune = new Option<bool>("--tune")
        {
            Description =
                "Compares what training costs under each preset of train.tune and with each PEFT method, instead of module by module.",
        };
        var overrides = CommandLine.CfgOptions();
        var command = new Command(
            "get-flops",
            "Counts a model's parameters, multiply-adds and activations, module by module, for one image."
        )
        {
            config,
            shape,
            classes,
            depth,
            picture,
            output,
            tune,
            overrides,
        };
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetRequiredValue(shape),
                parsed.GetValue(classes),
                parsed.GetValue(depth),
                parsed.GetValue(picture),
                parsed.GetValue(output),
                parsed.GetValue(tune),
                parsed.GetRequiredValue(overrides)
            )
        );
        return command;
    }

    private static int Run(
        string config,
        int[] shape,
        int? classes,
        int depth,
        string? picture,
        string? output,
        bool tune,
        string[] overrides
    )
    {
        Check(shape, classes, depth, picture, tune);
        var (height, width) = (shape[0], shape[^1]);
        using var session = Open([]);
        using var model = session.CreateModel(Data(session));
        var train = session.Options.Train;
        if (tune)
        {
            Compare([
                .. CostVariant.Presets(model, train?.TuneFrom),
                .. CostVariant.Adapters(model, session.Services.GetRequiredService<ComponentRegistry>()),
            ]);
            return 0;
        }
        if (train is not null)
            _ = new Tuning(model, train.Tuned(), train.Freeze ?? []);
        var cost = CostMeter.Measure(model, height, width);
        Show(config, cost, depth, height, width, picture);
        if (output is not null)
            MetricFiles.Write(output, Json(cost, height, width));
        return 0;

        Session Open(IReadOnlyList<string> changes) =>
            Session.Open(config, new SessionOptions { Overrides = [.. overrides, .. changes], Note = ToolConsole.Current.Note });

        DataInfo Data(Session of) => classes is { } count ? ClassesAlone(of, count) : of.Data[of.Data.FirstPart].Info;

        void Compare(IReadOnlyList<CostVariant> variants)
        {
            var table = new CostTable(Open, Data).Measure(variants, height, width);
            table.Show();
            if (output is not null)
                MetricFiles.Write(
                    output,
                    new JsonObject
                    {
                        ["height"] = height,
                        ["width"] = width,
                        ["variants"] = table.Json(),
                    }
                );
        }
    }

    private static void Check(int[] shape, int? classes, int depth, string? picture, bool tune)
    {
        if (shape is not ([> 0] or [> 0, > 0]))
            throw new UserErrorException(
                $"--shape is {string.Join(' ', shape)}; a height and a width were expected, such as --shape 512 1024."
            );
        if (classes is < 1)
            throw new UserErrorException($"--classes is {classes}; at least 1 was expected.");
        if (depth < 1)
            throw new UserErrorException($"--depth is {depth}; at least 1 was expected.");
        if (picture is not null)
            Chart.RequireKnownEnding(picture);
        if (picture is not null && tune)
            throw new UserErrorException("--picture draws the tree of modules; --tune compares ways to train. Leave one of the two out.");
    }

    /// <summary>The tree of modules as a table, and as a picture where one is asked for.</summary>
    private static void Show(string config, ModelCost cost, int depth, int height, int width, string? picture)
    {
        var text = ToolConsole.Current;
        var rows = ModelTree.Fold(cost, depth, MostLines);
        text.Table(
            ["module", "type", "output", "parameters", "multiply-adds", "activations"],
            rows.Select(row =>
                new[]
                {
                    new string(' ', 2 * row.Depth) + row.Name + (row.Times > 1 ? $" (each of {row.Times})" : ""),
                    row.Cost.Type,
                    row.Cost.Output ?? "",
                    CostText.Short(row.Cost.Parameters),
                    CostText.Short(row.Cost.Counts.MultiplyAdds),
                    CostText.Short(row.Cost.Counts.Activations),
                }
            )
        );
        Summary(cost, height, width);
        if (picture is not null)
            new ModelTree
            {
                Title = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Path.GetFileNameWithoutExtension(config)}, {height} x {width}: {CostText.Short(cost.Parameters)} parameters, "
                        + $"{CostText.Short(cost.Counts.MultiplyAdds)} multiply-adds"
                ),
                Cost = cost,
                Rows = ModelTree.Fold(cost, depth, MostDrawn),
            }.Save(picture);
    }

    /// <summary>Data of that many classes, for the task that the model declares.</summary>
    private static DataInfo ClassesAlone(Session session, int count)
    {
        var model = session.Options.Model;
        return ForTaskAttribute.Of(model.Type) is [var task, ..]
            ? new DataInfo([.. Enumerable.Range(0, count).Select(c => $"class {c}")], task)
            : throw new UserErrorException(
                $"--classes: {model.TypeName} doesn't declare its task ([ForTask]), so nothing can stand in for its data. Leave it out."
            );
    }

    private static void Summary(ModelCost cost, int height, int width)
    {
        long trained = cost.Parameters - cost.Frozen,
            weights = 4 * cost.Parameters;
        ToolConsole.Current.Fields(
            ("image", $"{height} x {width} (height x width), one"),
            ("parameters", $"{cost.Parameters:#,0}: {trained:#,0} trainable, {cost.Frozen:#,0} frozen"),
            (
                "multiply-adds",
                $"{cost.Counts.MultiplyAdds:#,0} ({CostText.Short(cost.Counts.MultiplyAdds)}), of matrix products and convolutions, "
                    + $"attention included"
            ),
            ("activations", $"{cost.Counts.Activations:#,0} values given by them"),
            (
                "memory, estimated",
                $"{CostText.Bytes(weights)} for the weights in fp32; training adds {CostText.Bytes(4 * trained)} for gradients, "
                    + $"{CostText.Bytes(4 * trained)} for SGD's momentum or {CostText.Bytes(8 * trained)} for Adam, and up to "
                    + $"{CostText.Bytes(cost.Counts.Bytes)} an image for the backward pass"
            )
        );
    }

    private static JsonObject Json(ModelCost cost, int height, int width) =>
        new()
        {
            ["height"] = height,
            ["width"] = width,
            ["parameters"] = cost.Parameters,
            ["frozen"] = cost.Frozen,
            ["multiply_adds"] = cost.Counts.MultiplyAdds,
            ["activations"] = cost.Counts.Activations,
            ["result_bytes"] = cost.Counts.Bytes,
            ["modules"] = new JsonArray([
                .. cost.Modules.Select(module =>
                    (JsonNode)
                        new JsonObject
                        {
                            ["name"] = module.Name,
                            ["type"] = module.Type,
                            ["output"] = module.Output,
                            ["calls"] = module.Calls,
                            ["parameters"] = module.Parameters,
                            ["frozen"] = module.Frozen,
                            ["multiply_adds"] = module.Counts.MultiplyAdds,
                            ["activations"] = module.Counts.Activations,
                        }
                ),
            ]),
        };
}
