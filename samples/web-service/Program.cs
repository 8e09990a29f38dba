// dotnet run --project samples/web-service -- MODEL [--urls http://localhost:5080]
// curl --data-binary @cat.jpg http://localhost:5080/predict
using Tessera;
using Tessera.Framework.Errors;
using Tessera.Onnx;
using Tessera.Results;
using Answers = Microsoft.AspNetCore.Http.Results;

const long LargestImage = 32 << 20;

if (args.Length == 0 || args[0].StartsWith('-'))
{
    Console.Error.WriteLine("usage: WebService MODEL [--urls URL]   MODEL: a checkpoint (.safetensors) or an exported file (.onnx)");
    return 1;
}
var onnx = Path.GetExtension(args[0]) == ".onnx";
ImagePredictor predictor;
try
{
    predictor = onnx ? OnnxPredictor.Load(args[0]) : Predictor.Load(args[0]);
}
catch (UserErrorException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
using var loaded = predictor;
using var turn = new SemaphoreSlim(onnx ? Environment.ProcessorCount : 1); // a Predictor takes one call at a time

var builder = WebApplication.CreateBuilder(args[1..]);
builder.WebHost.ConfigureKestrel(server => server.Limits.MaxRequestBodySize = LargestImage);
var app = builder.Build();
app.MapGet("/", () => new { task = predictor.Data.Task.ToString(), classes = predictor.Data.Classes });
app.MapPost(
    "/predict",
    async (HttpRequest request, CancellationToken stopped) =>
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, stopped);
        await turn.WaitAsync(stopped);
        try
        {
            return Answers.Ok(Answer(predictor.Recognize(body.ToArray(), "the image")));
        }
        catch (UserErrorException e)
        {
            return Answers.BadRequest(new { error = e.Message });
        }
        finally
        {
            turn.Release();
        }
    }
);
await app.RunAsync();
return 0;

static object Answer(Result result) =>
    result switch
    {
        Classification classes => classes.Ranked.Select(entry => new { name = entry.Name, score = entry.Score }),
        Detections found => found.Objects.Select(found => new
        {
            name = found.ClassName,
            score = found.Score,
            box = new[] { found.Box.X1, found.Box.Y1, found.Box.X2, found.Box.Y2 },
        }),
        Regression numbers => numbers.Values.Select(entry => new { name = entry.Name, value = entry.Value }),
        Segmentation map => map.Shares().Select(entry => new { name = entry.Name, share = entry.Share }),
        _ => new { },
    };
