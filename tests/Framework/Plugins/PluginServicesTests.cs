using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Plugins;
using Tessera.Tests.Framework.Configuration;

namespace Tessera.Tests.Framework.Plugins;

/// <summary>A plugin with a service of its own that reads a section of the config.</summary>
[Collection(PluginTests.Cache)]
public sealed class PluginServicesTests(PluginServicesTests.Post post) : IClassFixture<PluginServicesTests.Post>
{
    public sealed record RootOptions(ComponentSpec<Transform>? Step = null, int Seed = 0);

    [Fact]
    public void Component_GetsTheService_AndTheServiceItsSection()
    {
        var document = Post.Document("""{ "seed": 7, "mail": { "to": "a@b.c", "retry": { "times": 4 } }, "step": { "type": "Stamp" } }""");
        using var services = post.Services(document);
        var step = services.GetRequiredService<ComponentBuilder>().Bind<RootOptions>(document).Step!.Build(services);
        // From IOptions, IConfiguration, the logger and the service itself.
        Assert.Equal("a@b.c 4 seed 7 mail a@b.c", step.ToString());
    }

    [Fact]
    public void Section_LeftOut_KeepsItsDefaults_OrSaysWhatItNeeds()
    {
        using var services = post.Services(Post.Document("""{ "step": { "type": "Stamp" } }"""));
        var builder = services.GetRequiredService<ComponentBuilder>();
        Assert.Equal(
            "config:1\n  The config has no \"mail\", which Plugin.Post needs: an object with to, retry.",
            Assert.Throws<UserErrorException>(() => builder.Build<Transform>("""{ "type": "Stamp" }""")).Message
        );
    }

    [Theory]
    [InlineData(
        """{ "mail": { "to": "a", "retri": {} } }""",
        "c.json:2  mail.retri\n  mail has no option \"retri\". Did you mean \"retry\"? It takes to, retry."
    )]
    [InlineData(
        """{ "mail": { "to": "a", "retry": { "times": 0 } } }""",
        "c.json:2  mail.retry.times\n  \"times\" must be between 1 and 9; it is 0."
    )]
    [InlineData("""{ "mail": {} }""", "c.json:2  mail\n  mail needs \"to\": a string.")]
    [InlineData(
        """{ "mial": {} }""",
        "c.json:2  mial\n  The config has no key \"mial\". Did you mean \"mail\"? It takes step, seed, mail."
    )]
    public void Section_WithAMistake_IsRefusedWithItsPlace(string json, string expected)
    {
        using var folder = new ConfigFolder(("c.json", "\n" + json));
        var document = folder.Load("c.json");
        using var services = post.Services(document);
        var builder = services.GetRequiredService<ComponentBuilder>();
        Assert.Equal(expected, folder.Clean(Assert.Throws<UserErrorException>(() => builder.Bind<RootOptions>(document)).Message));
    }

    [Fact]
    public void Section_WithoutThePlugin_IsNoKey() =>
        Assert.Contains(
            "The config has no key \"mail\".",
            Assert
                .Throws<UserErrorException>(() =>
                    ComponentBuilder.Check<RootOptions>(new ComponentRegistry(), ConfigDocument.Parse("""{ "mail": {} }"""))
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Section_StandsInTheSchema()
    {
        var registry = new ComponentRegistry();
        PluginLoader.AddTo(registry, post.Plugin);
        var schema = System.Text.Json.Nodes.JsonNode.Parse(SchemaWriter.Write(registry, typeof(RootOptions)))!;
        Assert.Equal("Where mail goes.", (string?)schema["properties"]!["mail"]!["description"]);
        Assert.Equal("#/$defs/MailOptions", (string?)schema["properties"]!["mail"]!["anyOf"]![0]!["$ref"]);
    }

    public sealed record ClashingOptions(string Mail);

    [Fact]
    public void Section_WithTheNameOfAKey_IsRefused()
    {
        var registry = new ComponentRegistry();
        PluginLoader.AddTo(registry, post.Plugin);
        Assert.StartsWith(
            "Mine.MailOptions (Plugin.Post) reads the section \"mail\", which is a key of Tessera's own.",
            Assert.Throws<UserErrorException>(() => ComponentBuilder.Check<ClashingOptions>(registry, ConfigDocument.Parse("{}"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Services_ThatFail_AreThePluginsMistake()
    {
        var document = Post.Document("""{ "mail": { "to": "nobody" } }""");
        Assert.Equal(
            "Mine.PostServices could not register its services: nobody reads mail.",
            Assert.Throws<UserErrorException>(() => post.Services(document)).Message.Split("\n  ")[1]
        );
    }

    /// <summary>The plugin, built once.</summary>
    public sealed class Post : IDisposable
    {
        private const string Source = """
            using Microsoft.Extensions.Configuration;
            using Microsoft.Extensions.DependencyInjection;
            using Microsoft.Extensions.Logging;
            using Microsoft.Extensions.Options;
            using Tessera.Framework.Data;
            using Tessera.Framework.Plugins;

            namespace Mine;

            public sealed record RetryOptions([property: Range(1, 9)] int Times = 2);

            /// <summary>Where mail goes.</summary>
            [ConfigSection("mail")]
            public sealed record MailOptions(string To, RetryOptions? Retry = null);

            public sealed class Mailer(IOptions<MailOptions> options, IConfiguration config)
            {
                public string Text => $"{options.Value.To} {options.Value.Retry?.Times} seed {config["seed"]} mail {config["mail:to"]}";
            }

            public sealed class PostServices : IPluginServices
            {
                public void Add(IServiceCollection services, IConfiguration configuration)
                {
                    if (configuration["mail:to"] == "nobody")
                        throw new System.InvalidOperationException("nobody reads mail.");
                    services.AddSingleton<Mailer>();
                }
            }

            [Component("Stamp")]
            public sealed class Stamp : Transform
            {
                private readonly string _text;

                public Stamp(Mailer mailer, ILogger<Stamp> log)
                {
                    _text = mailer.Text;
                    log.LogInformation("stamped");
                }

                public override Sample Apply(Sample sample, RandomSource random) => sample;

                public override string ToString() => _text;
            }
            """;

        private readonly ConfigFolder _folder = new();

        public Post()
        {
            var cache = Environment.GetEnvironmentVariable(PluginTests.Cache);
            Environment.SetEnvironmentVariable(PluginTests.Cache, Path.Combine(_folder.Root, "cache"));
            try
            {
                var path = _folder.Write("Post.cs", Source);
                Plugin = PluginLoader.Load(new PluginReference(path, new SourceLocation("--plugin", 0)));
            }
            finally
            {
                Environment.SetEnvironmentVariable(PluginTests.Cache, cache);
            }
        }

        public LoadedPlugin Plugin { get; }

        public static ConfigDocument Document(string json) => ConfigDocument.Parse(json, environment: _ => null);

        public ServiceProvider Services(ConfigDocument document)
        {
            var configuration = document.ToConfiguration();
            return new ServiceCollection()
                .AddSingleton(document)
                .AddSingleton(configuration)
                .AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance)
                .AddSingleton(typeof(ILogger<>), typeof(Logger<>))
                .AddPlugin(Plugin, configuration)
                .BuildServiceProvider();
        }

        public void Dispose() => _folder.Dispose();
    }
}
